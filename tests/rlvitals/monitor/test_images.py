"""Images logged by a training run."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from rlvitals import TrainingMonitor
from rlvitals.errors import ClosedError, RecordError
from rlvitals.monitor import images
from rlvitals.monitor.images import png
from rlvitals.runs.journal_files import move

Monitor = Callable[..., TrainingMonitor]

SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
def test_an_array_becomes_a_png_that_other_libraries_read(shape: tuple[int, ...]) -> None:
    """Grey and colour images, with and without alpha, have the same pixels when read by Pillow."""
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)

    assert np.array_equal(
        np.asarray(Image.open(io.BytesIO(png(pixels)))), pixels.reshape(shape[:2] if shape[2:] == (1,) else shape)
    )


def test_floats_outside_0_to_1_are_clipped() -> None:
    """NaN becomes black."""
    made = np.asarray(Image.open(io.BytesIO(png(np.array([[0.0, 0.5, 1.0, 7.0, -1.0, np.nan]])))))

    assert made.tolist() == [[0, 128, 255, 255, 0, 0]]


def test_an_image_becomes_a_file_and_an_event(monitor: Monitor) -> None:
    """The event has the path of the file, the group and the metrics."""
    with monitor() as training:
        event = training.log_image("the trace", SVG, group="logo-1", metrics={"quality": 0.9}, env_step=40)

    (kept,) = [one for one in training.run.records("events") if one.kind == "image"]
    assert kept == event
    assert (kept.env_step, kept.data["group"], kept.data["metrics"]) == (40, "logo-1", {"quality": 0.9})
    assert (training.path / "artifacts" / kept.data["file"]).read_text() == SVG


@pytest.mark.parametrize("name", ["../../../escaped", "/etc/passwd", "a\0b", "C:\\x", "", "x" * 5_000, "ü/ö"])
def test_no_image_name_leads_out_of_the_folder(monitor: Monitor, name: str) -> None:
    """Only letters and digits of the name become part of the file name."""
    with monitor() as training:
        event = training.log_image(name, SVG)

    assert event.data is not None
    path = (training.path / "artifacts" / event.data["file"]).resolve()
    assert path.is_file()
    assert path.parent == (training.path / "artifacts" / "images").resolve()


def test_images_with_the_same_name_get_separate_files(monitor: Monitor) -> None:
    """They form a series over the training."""
    with monitor() as training:
        files = {str((training.log_image("trace", SVG).data or {})["file"]) for _ in range(3)}

    assert len(files) == 3


@pytest.mark.parametrize(
    "image",
    [
        b"MZ not a picture",
        "/nowhere/picture.png",
        np.zeros(3),
        np.zeros((2, 2, 5)),
        np.zeros((0, 4)),
        np.array([["x"]]),
        torch.zeros((2, 2), requires_grad=True),
    ],
    ids=["bytes", "path", "line", "channels", "empty", "text", "tensor"],
)
def test_a_value_that_is_not_an_image_is_rejected(monitor: Monitor, image: object) -> None:
    """The error has the name of the image."""
    with monitor() as training, pytest.raises(RecordError, match="image 'odd'"):
        training.log_image("odd", image)  # type: ignore[arg-type]


def test_a_file_is_read_unless_it_is_too_large(monitor: Monitor, tmp_path: Path) -> None:
    """A file above the limit of 16 MiB is rejected."""
    small, large = tmp_path / "a.svg", tmp_path / "b.svg"
    small.write_text(SVG)
    large.write_text(SVG + " " * (17 << 20))

    with monitor() as training:
        assert (training.log_image("a", small).data or {})["bytes"] == len(SVG)
        with pytest.raises(RecordError, match="16 MiB"):
            training.log_image("b", large)


def test_an_image_that_cannot_be_written_does_not_stop_the_training(monitor: Monitor) -> None:
    """Its event is a warning without a file."""
    with monitor() as training:
        (training.path / "artifacts" / "images").write_text("a file where the folder should be")
        event = training.log_image("trace", SVG)

    assert event.severity == "warning"
    assert "file" not in (event.data or {})


def test_an_image_is_rejected_after_close(monitor: Monitor) -> None:
    """The call raises ClosedError, like that of every other record."""
    with monitor() as training:
        pass

    with pytest.raises(ClosedError):
        training.log_image("late", SVG)


def test_an_image_appears_complete(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written under a temporary name, so the folder never lists an incomplete image."""
    seen: list[set[int]] = []
    with monitor() as training:
        folder = training.path / "artifacts" / "images"
        training.log_image("first", SVG)

        def looked(path: Path, to: Path, *, moved: Callable[[Path, Path], None] = move) -> None:
            seen.append({file.stat().st_size for file in folder.glob("[!.]*")})
            moved(path, to)
            seen.append({file.stat().st_size for file in folder.glob("[!.]*")})

        monkeypatch.setattr(images, "move", looked)
        training.log_image("second", SVG)

    assert seen == [{len(SVG)}, {len(SVG)}]
    assert [file.name for file in sorted(folder.iterdir())] == ["000001-first.svg", "000002-second.svg"]


def test_a_link_instead_of_the_image_folder_is_not_followed(monitor: Monitor, tmp_path: Path) -> None:
    """The event has the reason why the image could not be stored."""
    (tmp_path / "elsewhere").mkdir()
    with monitor() as training:
        (training.path / "artifacts" / "images").symlink_to(tmp_path / "elsewhere")
        event = training.log_image("x", SVG)

    assert "symbolic link" in (event.data or {})["trouble"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_image_is_on_the_disk_before_its_event(monitor: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its content and then its name are synced to the disk, so a power cut leaves no event without its image."""
    forced: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: forced.append(Path(f"/proc/self/fd/{fd}").readlink().name))

    with monitor() as training:
        training.log_image("dot", SVG)

    content, name = (name for name in forced if "dot.svg" in name or name == "images")
    assert (content[:9], name) == (".dot.svg.", "images")
