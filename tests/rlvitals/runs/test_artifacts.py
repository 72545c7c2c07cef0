"""Artifacts of a run."""

from pathlib import Path

import pytest

from rlvitals.errors import ExportError
from rlvitals.runs.artifacts import PNG, artifact, media_type, own_artifacts
from rlvitals.runs.folder import RunFolder
from rlvitals.runs.layout import Layout


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\x00\x00\x00WAVEfmt ", None),
        (b"\n<SVG>", "image/svg+xml"),
        (b"<html>", None),
        (b"", None),
    ],
)
def test_the_media_type_is_detected_from_the_first_bytes(content: bytes, media: str | None) -> None:
    """The file name has no effect."""
    assert media_type(content) == media


@pytest.mark.parametrize("link", ["artifacts", "artifacts/images", "artifacts/images/a.png"])
def test_an_artifact_behind_a_link_is_not_read(layout: Layout, tmp_path: Path, link: str) -> None:
    """The file and its parent folders must not be links, which could lead out of the run."""
    run = RunFolder(layout.path)
    (layout.artifacts / "images").mkdir()
    (layout.artifacts / "images" / "a.png").write_bytes(PNG)
    assert artifact(run, "images/a.png", 100) == PNG
    outside = tmp_path / "outside"
    (layout.path / link).rename(outside)
    (layout.path / link).symlink_to(outside)

    assert artifact(run, "images/a.png", 100) is None


def test_an_artifacts_folder_that_is_a_link_is_refused(layout: Layout, tmp_path: Path) -> None:
    """The error asks for another path."""
    layout.artifacts.rmdir()
    (tmp_path / "outside").mkdir()
    layout.artifacts.symlink_to(tmp_path / "outside")

    with pytest.raises(ExportError, match=r"Is a symbolic link, not a folder.*; pass another path"):
        own_artifacts(RunFolder(layout.path))
