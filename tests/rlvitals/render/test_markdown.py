"""Tests of the Markdown report."""

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
    """Each row of a table has as many cells as there are titles."""
    lines = write_report(odd, tmp_path / "report.md", figures=False).read_text().splitlines()

    assert lines[0].startswith("# ")
    for line, following in itertools.pairwise(lines):
        if line.startswith("|") and following.startswith("|"):
            assert line.replace("\\|", "").count("|") == following.replace("\\|", "").count("|")


def test_recorded_text_is_not_markup(kept: Made, tmp_path: Path, hostile_text: str) -> None:
    """It creates neither HTML nor a link nor a cell."""
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
def test_markup_characters_are_escaped(said: str, written: str) -> None:
    """Other characters stay unchanged."""
    assert plain(said) == written


def test_text_between_backticks_is_code() -> None:
    """Text around it and unpaired backticks are escaped."""
    prose = Section("key", "Title", "", (Prose("*Use* `VecCheckNan(a<b)` or `not"),))
    document = Document("name", "Report", "done", Verdict("good", "Good", ""), (), (prose,), "")

    assert "\n\\*Use\\* `VecCheckNan(a<b)` or \\`not\n" in text_of(document)


def test_the_verdict_says_what_to_do_next() -> None:
    """The advice of the verdict follows its text."""
    document = Document("name", "Report", "done", Verdict("good", "Good", "Fine.", "Use `target_kl`."), (), (), "")

    assert "> **Good.** Fine.\n>\n> Next: Use `target_kl`.\n" in text_of(document)


def test_curves_are_figures_next_to_the_report(kept: Made, tmp_path: Path) -> None:
    """The figures are in a folder named after the report."""
    path = write_report(kept("no updates"), tmp_path / "my report.md")
    text = path.read_text()

    assert "![Reward](my%20report-figures/reward.svg)" in text
    assert (tmp_path / "my report-figures" / "reward.svg").read_text().startswith("<svg")


def test_curves_can_be_sparklines(kept: Made, tmp_path: Path) -> None:
    """The report is then a single file."""
    text = write_report(kept("well"), tmp_path / "report.md", figures=False).read_text()

    assert "| Reward | `" in text
    assert "\u2588" in text
    assert not (tmp_path / "report-figures").exists()
