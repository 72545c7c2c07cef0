from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from vtracer_gym.cli.main import app
from vtracer_gym.errors import LogoError
from vtracer_gym.samples import sample_logos


def run(*arguments: object) -> Result:
    """Run the command with one process."""
    return CliRunner().invoke(app, ["trace", *map(str, arguments), "--jobs", "1"], catch_exceptions=False)


def names_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a folder with two logos of the same name and one more in a subfolder."""
    place = tmp_path_factory.mktemp("logos")
    first, second = sample_logos(2, np.random.default_rng(0), 64)
    for name, logo in {"acme.png": first, "acme.webp": first, "text/word & mark.png": second}.items():
        (place / name).parent.mkdir(exist_ok=True)
        Image.fromarray(logo.pixels).save(place / name)
    return place


def test_a_folder_becomes_svgs_and_a_page(folder: Path, tmp_path: Path) -> None:
    """Each image becomes an SVG at the same relative path, and the page has the pictures that it shows."""
    said = run(folder, "-o", tmp_path)
    svgs = {"acme.png.svg", "acme.webp.svg", "text/word & mark.svg"}
    shown = {"acme.png.png", "acme.webp.webp", "text/word & mark.png"}
    defaults = {name.replace(".svg", ".defaults.svg") for name in svgs}

    assert said.exit_code == 0
    assert "3 logos: " in said.output
    assert names_below(tmp_path) == svgs | {f"gallery/{name}" for name in shown | defaults} | {"index.html"}
    page = (tmp_path / "index.html").read_text()
    assert all(f'src="gallery/{name}"' in page for name in ("acme.png.png", "text/word%20%26%20mark.defaults.svg"))


def test_failures_do_not_stop_the_others(tmp_path: Path) -> None:
    """An unreadable image is reported at the end with exit code 1, and the others are converted."""
    Image.fromarray(sample_logos(1, np.random.default_rng(0), 64)[0].pixels).save(tmp_path / "fine.png")
    (tmp_path / "broken.png").write_bytes(b"broken")
    said = run(tmp_path, "--no-gallery", "-o", tmp_path / "out")

    assert said.exit_code == 1
    assert "1 failed:" in said.output
    assert "broken.png: the image cannot be read (unknown format)" in said.output
    assert names_below(tmp_path / "out") == {"fine.svg"}


def test_the_page_in_the_folder_is_not_converted(tmp_path: Path) -> None:
    """A second conversion with the output inside the folder ignores the pictures of the first page."""
    Image.fromarray(sample_logos(1, np.random.default_rng(0), 64)[0].pixels).save(tmp_path / "fine.png")
    for _ in range(2):
        assert run(tmp_path, "-o", tmp_path / "out", "--setting", "default").exit_code == 0

    assert names_below(tmp_path / "out") == {
        "fine.svg",
        "index.html",
        "gallery/fine.png",
        "gallery/fine.defaults.svg",
    }


def test_a_folder_without_images(tmp_path: Path) -> None:
    """A folder without images is an error."""
    with pytest.raises(LogoError, match="contains no PNG, JPEG or WebP image"):
        run(tmp_path)
