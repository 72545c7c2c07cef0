"""Tests of the images of a report."""

from pathlib import Path

import pytest

from rlvitals.documents.run_images import MOST_PICTURES, pictures_of
from rlvitals.records import Event
from rlvitals.runs import Run

PNG = b"\x89PNG\r\n\x1a\n picture"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with an image among its artifacts, and a secret next to its folder."""
    path = tmp_path / "run"
    (path / "artifacts").mkdir(parents=True)
    (path / "run.json").write_text('{"format": "rlvitals-run", "version": 1, "run_id": "run", "started": 0.0}')
    (path / "artifacts" / "a.png").write_bytes(PNG)
    (path / "artifacts" / "notes.txt").write_text("no picture")
    (tmp_path / "secret.png").write_bytes(PNG)
    (path / "artifacts" / "link.png").symlink_to(tmp_path / "secret.png")
    return Run(path)


def told(file: object, step: int = 1) -> Event:
    return Event(time=0.0, kind="image", message="a picture", env_step=step, data={"file": file})


def test_an_image_is_read_with_its_facts(run: Run) -> None:
    """An image is read with its name, group and numbers."""
    said = {"file": "a.png", "name": "trace", "group": "star", "metrics": {"quality": 0.9}}
    (found,) = pictures_of(run, [Event(time=0.0, kind="image", message="m", env_step=7, data=said)])

    assert (found.title, found.group, found.media, found.content) == ("trace", "star", "image/png", PNG)
    assert (found.env_step, found.facts) == (7, {"quality": 0.9})


@pytest.mark.parametrize(
    "file", ["../../secret.png", "/etc/passwd", "link.png", "gone.png", "notes.txt", "a\x00.png", "", ".", None, 3]
)
def test_only_images_among_the_artifacts_are_shown(run: Run, file: object) -> None:
    """Files outside the artifacts, missing files and files that are not images are not shown."""
    assert pictures_of(run, [told(file)]) == []


def test_the_last_pictures_are_shown(run: Run) -> None:
    """The last images are shown oldest first, and no more than a page can hold."""
    found = pictures_of(run, [told("a.png", step) for step in range(100)])

    assert [picture.env_step for picture in found] == list(range(100 - MOST_PICTURES, 100))
