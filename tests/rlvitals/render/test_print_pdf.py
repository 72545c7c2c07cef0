"""Pages printed by an installed browser."""

import stat
from pathlib import Path

import pytest

from rlvitals.errors import ExportError
from rlvitals.render.print_pdf import find_browser, pdf


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that is taken for a browser."""
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\necho 'no display' >&2\nexit 7\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("RLVITALS_CHROMIUM", str(program))
    return program


def test_the_variable_names_the_browser(fake: Path) -> None:
    """Before any that would be found."""
    assert find_browser() == str(fake)


@pytest.mark.usefixtures("fake")
def test_a_browser_that_fails_is_quoted() -> None:
    """With its exit code and what it said."""
    with pytest.raises(ExportError, match=r"could not print the page \(exit code 7\): no display"):
        pdf("<p>a page</p>")


def test_no_browser_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Three ways out."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RLVITALS_CHROMIUM", raising=False)
    with pytest.raises(ExportError, match=r"install one, or set RLVITALS_CHROMIUM to its path, or write \.html"):
        find_browser()
