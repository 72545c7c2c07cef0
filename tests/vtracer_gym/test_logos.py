from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vtracer_gym.errors import LogoError
from vtracer_gym.logos import Logo, decode_logo, load_folder, load_logo, split_unseen


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def half(mode: str, left: object, right: object) -> Image.Image:
    image = Image.new(mode, (40, 20), left)  # type: ignore[arg-type]
    image.paste(right, (20, 0, 40, 20))  # type: ignore[arg-type]
    return image


def ends(logo: Logo) -> list[list[int]]:
    return [logo.pixels[10, 2].tolist(), logo.pixels[10, 37].tolist()]


BLACK_WHITE = [[0, 0, 0], [255, 255, 255]]


@pytest.mark.parametrize(
    "image",
    [
        half("RGB", (0, 0, 0), (255, 255, 255)),
        half("L", 0, 255),
        half("1", 0, 1),
        half("LA", (0, 255), (0, 0)),
        half("RGBA", (0, 0, 0, 255), (90, 90, 90, 0)),
        half("L", 0, 255).convert("P"),
        half("L", 0, 255).convert("I;16").point(lambda level: level * 257),
    ],
    ids=["rgb", "grey", "two-valued", "grey-alpha", "rgba", "palette", "16-bit"],
)
def test_modes(image: Image.Image) -> None:
    """All PNG modes are decoded to the same opaque RGB pixels, with transparent parts on white."""
    logo = decode_logo(encoded(image), "a", "simple")

    assert ends(logo) == BLACK_WHITE


@pytest.mark.parametrize(("form", "mode"), [("JPEG", "RGB"), ("JPEG", "L"), ("JPEG", "CMYK"), ("WEBP", "RGBA")])
def test_formats(form: str, mode: str) -> None:
    """JPEG (including CMYK) and WebP are decoded with little loss."""
    image = half("RGB", (0, 0, 0), (255, 255, 255)).convert(mode)

    assert np.abs(np.array(ends(decode_logo(encoded(image, form), "a", "simple"))) - BLACK_WHITE).max() < 12


def test_transparent_palette() -> None:
    """The transparent colour of a palette is composited on white."""
    image = half("P", 0, 1)
    image.putpalette([0, 0, 0, 200, 0, 0])

    assert ends(decode_logo(encoded(image, transparency=1), "a", "simple")) == BLACK_WHITE


def test_white_on_transparent_is_laid_on_black() -> None:
    """A logo that would be invisible on white is composited on black."""
    image = half("RGBA", (255, 255, 255, 0), (255, 255, 255, 255))

    assert ends(decode_logo(encoded(image), "a", "simple")) == BLACK_WHITE


def test_huge_is_shrunk() -> None:
    """A large image keeps its aspect ratio and is shrunk to the requested size."""
    logo = decode_logo(encoded(Image.new("RGB", (3000, 1500), "red")), "a", "simple", size=100)

    assert (logo.width, logo.height) == (100, 50)


@pytest.mark.parametrize(("side", "source"), [(1000, 400), (250, 250), (100, None), (90, None)])
def test_source_is_at_most_four_times_as_large(side: int, source: int | None) -> None:
    """A larger image stays available for measuring, up to four times the size of the logo."""
    logo = decode_logo(encoded(Image.new("RGB", (side, side), "red")), "a", "simple", size=100)

    assert (None if logo.source is None else logo.source.shape[0]) == source


def test_source_has_the_channels_of_the_logo() -> None:
    """A transparent logo has a transparent source."""
    image = half("RGBA", (0, 0, 0, 255), (90, 90, 90, 0)).resize((400, 200))
    logo = decode_logo(encoded(image), "a", "simple", size=100)

    assert logo.source is not None
    assert logo.rgba is not None
    assert logo.source.shape[2] == logo.rgba.shape[2] == 4


def test_small_is_left_alone() -> None:
    """An image is never enlarged."""
    assert decode_logo(encoded(Image.new("RGB", (16, 12), "red")), "a", "simple").pixels.shape == (12, 16, 3)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (Image.new("RGB", (1, 1), "red"), "too small: 1 x 1"),
        (Image.new("RGB", (500, 4), "red"), "too small: 128 x 1"),
        (Image.new("RGBA", (30, 30), (5, 5, 5, 0)), "fully transparent"),
    ],
)
def test_unusable_images_are_refused_with_the_reason(image: Image.Image, reason: str) -> None:
    """A 1 x 1 image, a line and a transparent image are refused with name and reason."""
    with pytest.raises(LogoError, match=f"acme.png: the image is {reason}"):
        decode_logo(encoded(image), "acme.png", "simple")


def test_corrupt_at_any_length() -> None:
    """A file truncated anywhere is refused, and no other error is raised."""
    data = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 255, (20, 20, 3), dtype=np.uint8)))

    for length in range(0, len(data) - 20, 37):
        with pytest.raises(LogoError, match="the image cannot be read"):
            decode_logo(data[:length], "a", "simple")


def test_missing_file() -> None:
    """The error contains the name of the missing file."""
    with pytest.raises(LogoError, match=r"nowhere\.png: No such file"):
        load_logo(Path("nowhere.png"))


def test_folder(tmp_path: Path) -> None:
    """The first subfolder is the type, other files are ignored, and unusable images are reported."""
    for place in ("text/a.png", "text/deeper/b.PNG", "simple/c.jpg", "d.webp"):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30, 30), "red").save(path)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / "text" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    found = load_folder(tmp_path)

    assert [(logo.name, logo.category) for logo in found.logos] == [
        ("d.webp", "other"),
        ("simple/c.jpg", "simple"),
        ("text/a.png", "text"),
        ("text/deeper/b.PNG", "text"),
    ]
    assert [rejection.path.name for rejection in found.rejections] == ["broken.png"]


def test_paths_can_be_text(tmp_path: Path) -> None:
    """Paths can be given as `Path` or as text."""
    path = tmp_path / "text" / "a.png"
    path.parent.mkdir()
    Image.new("RGB", (30, 30), "red").save(path)

    assert load_folder(str(tmp_path)).logos[0].category == "text"
    assert load_logo(str(path)).category == load_logo(path).category == "text"


def test_folder_without_images(tmp_path: Path) -> None:
    """A folder without a usable image is refused with the first reason."""
    (tmp_path / "broken.png").write_bytes(b"broken")

    with pytest.raises(LogoError, match=r"no usable .* broken\.png"):
        load_folder(tmp_path)


def test_no_folder(tmp_path: Path) -> None:
    """The error contains the name of the missing folder."""
    with pytest.raises(LogoError, match="absent is not a folder"):
        load_folder(tmp_path / "absent")


def some_logos() -> list[Logo]:
    pixels = np.zeros((20, 20, 3), np.uint8)
    return [Logo(f"{category}/{index}", category, pixels) for category in ("a", "b") for index in range(10)]


def test_split_is_stratified() -> None:
    """A fifth of each type is unseen, and no logo is in both parts."""
    seen, unseen = split_unseen(some_logos(), 0.2, np.random.default_rng(0))

    assert [logo.category for logo in unseen] == ["a", "a", "b", "b"]
    assert {logo.name for logo in seen} | {logo.name for logo in unseen} == {logo.name for logo in some_logos()}
    assert len(seen) == 16


def test_sizes_of_a_logo_stay_together() -> None:
    """Logos with the same name are in the same part, and the split is that of a single size."""
    alone = split_unseen(some_logos(), 0.2, np.random.default_rng(0))
    seen, unseen = split_unseen([*some_logos(), *some_logos()], 0.2, np.random.default_rng(0))

    assert [logo.name for logo in unseen] == [logo.name for logo in alone[1]] * 2
    assert len(seen) == 2 * len(alone[0])


def test_split_honours_its_seed() -> None:
    """The same seed gives the same unseen logos, and another seed different ones."""
    names = [
        [logo.name for logo in split_unseen(some_logos(), 0.2, np.random.default_rng(seed))[1]] for seed in (1, 1, 2)
    ]

    assert names[0] == names[1] != names[2]


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0, 0.99])
def test_split_leaves_logos_for_training(fraction: float) -> None:
    """A share that leaves one part empty is refused."""
    with pytest.raises(ValueError, match=r"fraction|left for training"):
        split_unseen(some_logos(), fraction, np.random.default_rng(0))
