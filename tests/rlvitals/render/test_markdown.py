"""The Markdown report."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import RunReader
from rlvitals.documents.document import Document, Prose, Section
from rlvitals.render.markdown import plain
from rlvitals.render.markdown import text as text_of
from rlvitals.render.report_writer import write_report
from rlvitals.summary.verdict import Verdict

Made = Callable[[str], RunReader]


def test_a_report_of_any_run_is_written(odd: RunReader, tmp_path: Path) -> None:
    """Its tables have as many cells in each row as titles."""
    lines = write_report(odd, tmp_path / "report.md", figures=False).read_text().splitlines()

    assert lines[0].startswith("# ")
    for line, following in itertools.pairwise(lines):
        if line.startswith("|") and following.startswith("|"):
            assert line.replace("\\|", "").count("|") == following.replace("\\|", "").count("|")


def test_no_recorded_text_is_markup(kept: Made, tmp_path: Path, hostile_text: str) -> None:
    """Neither HTML nor a link nor a cell of a table."""
    text = write_report(kept("hostile"), tmp_path / "report.md", figures=False).read_text()

    assert "<script" not in text
    assert re.search(r"(?<!\\)\]\(javascript", text) is None
    assert plain(hostile_text) in text


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("a|b", "a\\|b"),
        ("# no heading", "\\# no heading"),
        ("two\nlines", "two lines"),
        ("_it_ is my_name", "\\_it\\_ is my_name"),
    ],
)
def test_what_would_be_markup_is_escaped(said: str, written: str) -> None:
    """And what would not is left alone."""
    assert plain(said) == written


def test_code_in_running_text_is_code() -> None:
    """As in the page; around it, and in an unpaired backtick, nothing is markup."""
    prose = Section("key", "Title", "", (Prose("*Use* `VecCheckNan(a<b)` or `not"),))
    document = Document("name", "Report", "done", Verdict("good", "Good", ""), (), (prose,), "")

    assert "\n\\*Use\\* `VecCheckNan(a<b)` or \\`not\n" in text_of(document)


def test_curves_are_figures_beside_it(kept: Made, tmp_path: Path) -> None:
    """Drawings in a folder of the report's name."""
    path = write_report(kept("no updates"), tmp_path / "my report.md")
    text = path.read_text()

    assert "![Reward](my%20report-figures/reward.svg)" in text
    assert (tmp_path / "my report-figures" / "reward.svg").read_text().startswith("<svg")


def test_curves_can_be_lines_of_text(kept: Made, tmp_path: Path) -> None:
    """Then the report is one file."""
    text = write_report(kept("well"), tmp_path / "report.md", figures=False).read_text()

    assert "| Reward | `" in text
    assert "\u2588" in text
    assert not (tmp_path / "report-figures").exists()
