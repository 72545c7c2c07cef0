"""Tests of the PDF output through an installed browser."""

import stat
from pathlib import Path

import pytest

from rlvitals.errors import ExportError
from rlvitals.render.print_pdf import find_browser, pdf


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in place of a browser, which fails."""
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\necho 'no display' >&2\nexit 7\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("RLVITALS_CHROMIUM", str(program))
    return program


def test_the_variable_selects_the_browser(fake: Path) -> None:
    """It takes precedence over browsers that are found automatically."""
    assert find_browser() == str(fake)


@pytest.mark.usefixtures("fake")
def test_the_error_of_a_browser_is_reported() -> None:
    """The error has the exit code and the output."""
    with pytest.raises(ExportError, match=r"could not print the page \(exit code 7\): no display"):
        pdf("<p>a page</p>")


def test_a_missing_browser_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error lists three alternatives."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RLVITALS_CHROMIUM", raising=False)
    with pytest.raises(ExportError, match=r"Install one, set RLVITALS_CHROMIUM to its path, or write \.html"):
        find_browser()
