"""The pictures of a report."""

from pathlib import Path

import pytest

from rlvitals.documents.run_images import MOST_PICTURES, pictures_of
from rlvitals.records import Event
from rlvitals.runs import Run

PNG = b"\x89PNG\r\n\x1a\n picture"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with a picture among its artifacts, and a secret beside its folder."""
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


def test_a_picture_is_read_with_what_was_said_of_it(run: Run) -> None:
    """Its name, its group, its numbers."""
    said = {"file": "a.png", "name": "trace", "group": "star", "metrics": {"quality": 0.9}}
    (found,) = pictures_of(run, [Event(time=0.0, kind="image", message="m", env_step=7, data=said)])

    assert (found.title, found.group, found.media, found.content) == ("trace", "star", "image/png", PNG)
    assert (found.env_step, found.facts) == (7, {"quality": 0.9})


@pytest.mark.parametrize(
    "file", ["../../secret.png", "/etc/passwd", "link.png", "gone.png", "notes.txt", "a\x00.png", "", ".", None, 3]
)
def test_nothing_outside_of_the_artifacts_is_shown(run: Run, file: object) -> None:
    """Nor what is no picture, or not there."""
    assert pictures_of(run, [told(file)]) == []


def test_the_last_pictures_are_shown(run: Run) -> None:
    """Oldest first, and no more than a page can hold."""
    found = pictures_of(run, [told("a.png", step) for step in range(100)])

    assert [picture.env_step for picture in found] == list(range(100 - MOST_PICTURES, 100))
