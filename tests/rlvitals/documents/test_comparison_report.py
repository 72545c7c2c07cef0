"""Tests of comparison reports."""

import itertools
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rlvitals import Comparison
from rlvitals.comparison import Divergence
from rlvitals.errors import ExportError
from rlvitals.render.notebook import ComparisonCard
from rlvitals.render.report_writer import check_form, write_comparison

Compared = Callable[..., Comparison]
ReadPage = Callable[[str], Any]

THREE = {"base": [1.0, 2.0, 3.0], "new": [4.0, 5.0, None]}


@pytest.fixture
def page_of(tmp_path: Path, read_page: ReadPage) -> Callable[..., Any]:
    """Write a comparison as a page and parse it strictly."""
    return lambda found, **more: read_page(write_comparison(found, tmp_path / "page.html", **more).read_text())


@pytest.mark.parametrize("odd", [False, True], ids=["known", "all absent"])
@pytest.mark.parametrize(
    ("groups", "tasks"),
    [
        ({"alone": [1.0, 2.0]}, ("",)),
        ({"alone": [None]}, ("A-v0", "B-v0")),
        ({"base": [], "empty": []}, ("A-v0",)),
        ({"a": [math.nan, math.inf], "b": [-math.inf, 1e308]}, ("A-v0",)),
        ({"a": [1.0, 2.0], "b": [1e308, -1e308, None]}, ("A-v0", "B-v0")),
        ({f"group {at}": [float(at), at + 1.0] for at in range(20)}, ("A-v0",)),
    ],
    ids=["one group", "one lost run", "no outcomes", "not finite", "two tasks", "twenty groups"],
)
def test_a_report_of_any_comparison_is_well_formed(
    compared: Compared, page_of: Callable[..., Any], groups: dict[str, list[float]], odd: bool, tasks: tuple[str, ...]
) -> None:
    """Every element of the page is closed, and no coordinate is NaN."""
    page = page_of(compared(groups, tasks=tasks, odd=odd, everything=not odd))

    assert (page.open, page.faults) == ([], [])
    drawn = [
        value or "" for _, said in page.tags for name, value in said.items() if name in {"d", "cx", "cy", "x", "y"}
    ]
    assert [value for value in drawn if "nan" in value or "inf" in value] == []


def test_the_verdict_is_above_the_tables(compared: Compared, page_of: Callable[..., Any]) -> None:
    """The verdict is above every table, in words and in its colour."""
    page = page_of(compared(THREE, verdict="worse"))

    assert page.text.index("new is worse than base") < page.text.index("Groups")
    assert any("verdict-bad" in str(said.get("class")) for _, said in page.tags)


@pytest.mark.parametrize(
    ("verdict", "title", "tone"),
    [
        ("better", "new is better than base", "good"),
        ("different", "new differs from base", "watch"),
        ("the same", "new and base are the same within 2", "neutral"),
        ("no difference shown", "No difference shown between new and base", "neutral"),
        ("not enough runs", "Too few runs to compare new with base", "watch"),
        ("not comparable", "new and base cannot be compared", "watch"),
    ],
)
def test_each_verdict_has_its_title_and_tone(
    compared: Compared, page_of: Callable[..., Any], verdict: str, title: str, tone: str
) -> None:
    """Each verdict has its title and tone, and only shown results are green."""
    page = page_of(compared(THREE, verdict=verdict, everything=True))

    assert title in page.text
    assert any(f"verdict-{tone}" in str(said.get("class")) for _, said in page.tags)


def test_the_page_states_the_caveats(compared: Compared, page_of: Callable[..., Any]) -> None:
    """The page states the scope of the verdict, the likely cause, and that a difference may still exist."""
    page = page_of(compared(THREE, verdict="no difference shown"))

    assert "They do not hold for another budget, environment or metric, or for a single seed" in page.text
    assert "the groups differ only in lr" in page.text
    assert "A difference that is not shown may still exist. To test whether two groups are the same" in page.text


def test_the_best_of_several_better_groups_is_not_claimed(compared: Compared, page_of: Callable[..., Any]) -> None:
    """If several groups are better than the baseline, the page states that the best was not determined."""
    said = "The best of the better groups was not determined"

    assert said in page_of(compared({"a": [1.0], "b": [2.0], "c": [3.0]})).text
    assert said not in page_of(compared({"a": [1.0], "b": [2.0]})).text


def test_every_part_is_on_the_page(compared: Compared, page_of: Callable[..., Any]) -> None:
    """The page has target, equivalence, sequential test, more runs, items, settings, rules, skipped folders, call."""
    page = page_of(compared(THREE, everything=True), call="rlvitals compare logs")

    for said in (
        "Steps to the target 2", "3 of 5", "equivalent within 2?", "not decided yet", "more than 200", "gradient",
        "40 of 42", "Some settings have an effect", "try lr near 0.1", "lr with batch", "clip", "0.1, 0.2",
        "Runs are compared at 4000 environment steps.", "failed at 40 % of the way", "logs/broken",
        "run.json is damaged", "rlvitals compare logs", "duckdb",
    ):  # fmt: skip
        assert said in page.text, said


def test_of_many_comparisons_the_settings_come_first(compared: Compared, page_of: Callable[..., Any]) -> None:
    """If no group differs, the verdict lists settings with an effect, and comparisons without a result are counted."""
    page = page_of(compared({f"lr={at}": [float(at)] for at in range(20)}, verdict="not enough runs", everything=True))

    assert "No difference shown, but settings have an effect: lr" in page.text
    assert "19 more comparisons have too few runs" in page.text
    assert page.text.rindex("Which settings matter") < page.text.rindex("Groups")


def test_failures_are_noted_next_to_a_difference_in_means(compared: Compared, page_of: Callable[..., Any]) -> None:
    """A note explains that the verdict compares ranks if runs count as worst."""
    said = "the verdict compares ranks and the difference excludes these runs"

    assert said in page_of(compared(THREE)).text
    assert said not in page_of(compared({"base": [1.0, 2.0], "new": [3.0, 4.0]})).text


def test_every_run_is_a_dot(compared: Compared, page_of: Callable[..., Any]) -> None:
    """Every run is a dot with its name, and a run that counts as worst is a cross at the worse edge."""
    page = page_of(compared(THREE))
    kinds = [str(said.get("class")) for _, said in page.tags]

    # Each chart is drawn twice, for wide and for narrow screens.
    assert sum(kind.startswith("rv-run ") for kind in kinds) == 2 * 5
    assert kinds.count("rv-lost") == 2
    assert "base-2: 3" in page.text
    assert "new-2: no outcome, counts as worst" in page.text


def test_if_lower_is_better_the_worse_edge_is_on_the_right(compared: Compared, page_of: Callable[..., Any]) -> None:
    """If lower is better, a run that counts as worst is drawn at the right edge."""
    found = compared(THREE)

    def lost(one: Comparison) -> float:
        marks = [said["d"] for _, said in page_of(one).tags if said.get("class") == "rv-lost"]
        return float(str(marks[0]).removeprefix("M").partition(",")[0])

    assert lost(found) < 200 < lost(msgspec.structs.replace(found, higher_is_better=False))


def test_curves_show_their_number_of_runs(compared: Compared, page_of: Callable[..., Any]) -> None:
    """Curves show their number of runs as steps below and in the tooltip."""
    page = page_of(compared(THREE))

    assert sum("rv-steps" in str(said.get("class")) for _, said in page.tags) == 2 * 2
    assert "base: 2 (3 runs)" in page.text
    assert "base: - (0 runs)" in page.text


def test_drawings_have_a_text_alternative(compared: Compared, page_of: Callable[..., Any]) -> None:
    """Every drawing has a text alternative."""
    page = page_of(compared(THREE, everything=True))
    said = [attributes.get("aria-label") for tag, attributes in page.tags if tag == "svg"]

    assert all(said)
    assert "Runs, Logos-v0: base n = 3; new n = 2 + 1" in said
    assert "Learning curves, Logos-v0 by step: base from 2 to 6; new from 4.5 to 8.5" in said


def test_hostile_names_are_shown_as_text(compared: Compared, page_of: Callable[..., Any], hostile_text: str) -> None:
    """Hostile names of groups, runs and environments are shown as text only."""
    page = page_of(compared({"base": [1.0], hostile_text: [2.0]}, tasks=[hostile_text]), call=hostile_text)

    assert page.text.count(hostile_text) > 5
    assert {tag for tag, _ in page.tags} & {"script", "img", "iframe", "link", "form", "base", "object"} == set()
    for tag, said in page.tags:
        assert not [name for name in said if name.startswith("on") or name == "style"], (tag, said)


def test_the_page_is_bounded_and_states_what_it_omits(
    compared: Compared, page_of: Callable[..., Any], tmp_path: Path
) -> None:
    """A page of a thousand runs in a hundred groups is bounded, and states what it omits."""
    page = page_of(compared({f"group {at}": [float(one) for one in range(10)] for at in range(100)}))

    assert (tmp_path / "page.html").stat().st_size < 1_500_000
    assert sum(tag == "tr" for tag, _ in page.tags) < 1_000
    assert not any("open" in said for tag, said in page.tags if tag == "details")
    for said in (
        "The first 60 of 100 groups", "1,000 runs; 700 more not listed", "39 more comparisons are not listed",
        "Not drawn: 60 groups", "The curves of 81 more groups are not drawn", "... and 700 more",
    ):  # fmt: skip
        assert said in page.text, said


def test_many_groups_have_separate_charts(compared: Compared, page_of: Callable[..., Any]) -> None:
    """Up to four groups share a chart, and more groups each have a chart with the baseline."""
    few, many = ({f"g{at}": [1.0, 2.0] for at in range(count)} for count in (4, 5))

    assert page_of(compared(few)).text.count("reward 95 %") == 0
    assert "Each group is drawn with g0 (dashed)" not in page_of(compared(few)).text
    assert "Each group is drawn with g0 (dashed)" in page_of(compared(many)).text


def test_groups_of_one_folder_are_named_without_it(compared: Compared, page_of: Callable[..., Any]) -> None:
    """Groups in a common folder are named without it, and the folder is stated once."""
    page = page_of(compared({"/logs/night/base": [1.0, 2.0], "/logs/night/new": [3.0, 4.0]}))

    assert "new is better than base, said in a sentence." in page.text
    assert "The groups are folders in /logs/night/" in page.text


def test_the_divergence_of_two_runs_is_shown(compared: Compared, page_of: Callable[..., Any]) -> None:
    """If requested, the page shows where two runs diverge and what differs there."""
    parts = Divergence(
        kind="exact", update=12, env_step=2_048, metrics=["entropy"], compared=90, differences={"seed": (1, 2)},
        sentences=["They are equal to six digits until update 12."],
    )  # fmt: skip
    page = page_of(compared(THREE), divergence=parts)

    assert "They are equal to six digits until update 12." in page.text
    assert "Environment step there 2,048" in page.text
    assert "Where the two runs diverge" not in page_of(compared(THREE)).text


def test_the_markdown_report_is_well_formed(compared: Compared, tmp_path: Path, hostile_text: str) -> None:
    """The Markdown report has complete table rows, and no name becomes markup."""
    found = compared({"base": [1.0, 2.0], hostile_text: [3.0, None], "c": [1.0]}, everything=True)
    text = write_comparison(found, tmp_path / "page.md", figures=False).read_text()

    outside_of_code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert "<script" not in outside_of_code
    assert re.search(r"(?<!\\)\]\(javascript", outside_of_code) is None
    assert "- **c vs. base**: **better**. c is better than base, said in a sentence." in text
    assert "| base | n = 2 | 1, 2 |" in text
    for line, following in itertools.pairwise(text.splitlines()):
        if line.startswith("|") and following.startswith("|"):
            assert line.replace("\\|", "").count("|") == following.replace("\\|", "").count("|")


@pytest.mark.usefixtures("printer")
@pytest.mark.parametrize(("ending", "begins"), [("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_a_report_can_be_printed(
    compared: Compared, tmp_path: Path, ending: str, begins: bytes, hostile_text: str
) -> None:
    """A report with formula-like names and missing values can be printed."""
    found = compared({"base": [1.0, 2.0], hostile_text: [3.0, None], "c": []}, everything=True)

    assert write_comparison(found, tmp_path / f"page.{ending}").read_bytes().startswith(begins)


def test_an_unknown_format_is_refused_before_reading(tmp_path: Path) -> None:
    """An unknown report format or a folder as the target is refused before anything is read."""
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ExportError, match=r"report\.doc has no report format"):
        check_form(tmp_path / "report.doc")
    with pytest.raises(ExportError, match=r"folder\.html cannot be written"):
        check_form(tmp_path / "folder.html")


def test_a_notebook_card_shows_the_comparison(compared: Compared, read_page: ReadPage) -> None:
    """The notebook card shows the verdict, the runs and the curves, without tables of settings."""
    card = ComparisonCard(compared(THREE, everything=True))
    page = read_page(card._repr_html_())

    assert repr(card) == "<ComparisonCard: 6 runs in 2 groups>"
    assert (page.open, page.faults) == ([], [])
    assert "Limits of the conclusions" in page.text
    assert "Reproduction" not in page.text
