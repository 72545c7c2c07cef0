"""The report of a comparison."""

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
    """Writes a comparison as a page, and reads it strictly."""
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
def test_a_report_of_any_comparison_is_whole(
    compared: Compared, page_of: Callable[..., Any], groups: dict[str, list[float]], odd: bool, tasks: tuple[str, ...]
) -> None:
    """Every element is closed, and no coordinate is a NaN."""
    page = page_of(compared(groups, tasks=tasks, odd=odd, everything=not odd))

    assert (page.open, page.faults) == ([], [])
    drawn = [
        value or "" for _, said in page.tags for name, value in said.items() if name in {"d", "cx", "cy", "x", "y"}
    ]
    assert [value for value in drawn if "nan" in value or "inf" in value] == []


def test_the_verdict_stands_on_top(compared: Compared, page_of: Callable[..., Any]) -> None:
    """In words and in its colour, before any table."""
    page = page_of(compared(THREE, verdict="worse"))

    assert page.text.index("new is worse than base") < page.text.index("Groups")
    assert any("verdict-bad" in str(said.get("class")) for _, said in page.tags)


@pytest.mark.parametrize(
    ("verdict", "title", "tone"),
    [
        ("better", "new is better than base", "good"),
        ("different", "new differs from base", "watch"),
        ("the same", "new and base are the same within 2", "neutral"),
        ("no difference shown", "No difference between new and base is shown", "neutral"),
        ("not enough runs", "Too few runs to tell new from base", "watch"),
        ("not comparable", "new and base cannot be compared", "watch"),
    ],
)
def test_each_verdict_has_its_words(
    compared: Compared, page_of: Callable[..., Any], verdict: str, title: str, tone: str
) -> None:
    """And says nothing more than it may: what is not shown is not green."""
    page = page_of(compared(THREE, verdict=verdict, everything=True))

    assert title in page.text
    assert any(f"verdict-{tone}" in str(said.get("class")) for _, said in page.tags)


def test_it_says_what_may_not_be_concluded(compared: Compared, page_of: Callable[..., Any]) -> None:
    """What the verdict is bound to, what may be the cause, and that nothing shown is not nothing there."""
    page = page_of(compared(THREE, verdict="no difference shown"))

    assert "for no other budget, environment or metric, and for no single seed" in page.text
    assert "the groups differ in lr alone" in page.text
    assert "That no difference is shown does not mean that there is none: give a margin" in page.text


def test_the_best_of_several_is_not_named(compared: Compared, page_of: Callable[..., Any]) -> None:
    """Where several are better than the baseline, and none was held against another."""
    said = "Which of the better groups is the best was not tested"

    assert said in page_of(compared({"a": [1.0], "b": [2.0], "c": [3.0]})).text
    assert said not in page_of(compared({"a": [1.0], "b": [2.0]})).text


def test_every_part_is_told(compared: Compared, page_of: Callable[..., Any]) -> None:
    """Target, sameness, looks, further runs, items, settings, rules, runs, refused folders, the call."""
    page = page_of(compared(THREE, everything=True), call="rlvitals compare logs")

    for said in (
        "Steps to the target 2", "3 of 5", "equivalent within 2?", "not decided yet", "more than 200", "gradient",
        "40 of 42", "Some settings have an effect", "try lr near 0.1", "lr with batch", "clip", "0.1, 0.2",
        "Runs are compared at 4000 environment steps.", "failed at 40 % of the way", "logs/broken",
        "run.json is damaged", "rlvitals compare logs", "duckdb",
    ):  # fmt: skip
        assert said in page.text, said


def test_of_many_comparisons_the_settings_come_first(compared: Compared, page_of: Callable[..., Any]) -> None:
    """Where no group is told from another, the verdict is what matters over all runs; what says nothing is counted."""
    page = page_of(compared({f"lr={at}": [float(at)] for at in range(20)}, verdict="not enough runs", everything=True))

    assert "No group is shown to differ, but settings matter: lr" in page.text
    assert "19 more comparisons have too few runs" in page.text
    assert page.text.rindex("Which settings matter") < page.text.rindex("Groups")


def test_failures_are_said_beside_a_difference_of_survivors(compared: Compared, page_of: Callable[..., Any]) -> None:
    """The interval may exclude zero where ranks do not: it is of the other runs alone."""
    said = "the verdict compares ranks and the difference leaves them out"

    assert said in page_of(compared(THREE)).text
    assert said not in page_of(compared({"base": [1.0, 2.0], "new": [3.0, 4.0]})).text


def test_three_runs_look_like_three(compared: Compared, page_of: Callable[..., Any]) -> None:
    """A dot each, which says its run; a run that counts as worst is a cross at the worse edge."""
    page = page_of(compared(THREE))
    kinds = [str(said.get("class")) for _, said in page.tags]

    # Each chart is drawn twice: for wide screens and for narrow ones.
    assert sum(kind.startswith("rv-run ") for kind in kinds) == 2 * 5
    assert kinds.count("rv-lost") == 2
    assert "base-2: 3" in page.text
    assert "new-2: no outcome, counts as worst" in page.text


def test_where_less_is_better_the_worse_edge_is_the_right_one(compared: Compared, page_of: Callable[..., Any]) -> None:
    """A run that counts as worst stands there."""
    found = compared(THREE)

    def lost(one: Comparison) -> float:
        marks = [said["d"] for _, said in page_of(one).tags if said.get("class") == "rv-lost"]
        return float(str(marks[0]).removeprefix("M").partition(",")[0])

    assert lost(found) < 200 < lost(msgspec.structs.replace(found, higher_is_better=False))


def test_curves_say_how_many_runs_stand_behind_them(compared: Compared, page_of: Callable[..., Any]) -> None:
    """As steps below them, and in words where the pointer rests; where none is, there is no value."""
    page = page_of(compared(THREE))

    assert sum("rv-steps" in str(said.get("class")) for _, said in page.tags) == 2 * 2
    assert "base: 2 (3 runs)" in page.text
    assert "base: - (0 runs)" in page.text


def test_drawings_have_words(compared: Compared, page_of: Callable[..., Any]) -> None:
    """What a drawing shows is said to those who do not see it."""
    page = page_of(compared(THREE, everything=True))
    said = [attributes.get("aria-label") for tag, attributes in page.tags if tag == "svg"]

    assert all(said)
    assert "Runs, Logos-v0: base n = 3; new n = 2 + 1" in said
    assert "Learning curves, Logos-v0 by step: base from 2 to 6; new from 4.5 to 8.5" in said


def test_hostile_names_are_shown_as_they_are(
    compared: Compared, page_of: Callable[..., Any], hostile_text: str
) -> None:
    """Of groups, runs and environments: as text, and only so; nothing is loaded, nothing runs."""
    page = page_of(compared({"base": [1.0], hostile_text: [2.0]}, tasks=[hostile_text]), call=hostile_text)

    assert page.text.count(hostile_text) > 5
    assert {tag for tag, _ in page.tags} & {"script", "img", "iframe", "link", "form", "base", "object"} == set()
    for tag, said in page.tags:
        assert not [name for name in said if name.startswith("on") or name == "style"], (tag, said)


def test_the_page_is_bounded_and_says_what_it_leaves_out(
    compared: Compared, page_of: Callable[..., Any], tmp_path: Path
) -> None:
    """A thousand runs in a hundred groups: the first ones of each, the others counted."""
    page = page_of(compared({f"group {at}": [float(one) for one in range(10)] for at in range(100)}))

    assert (tmp_path / "page.html").stat().st_size < 1_500_000
    assert sum(tag == "tr" for tag, _ in page.tags) < 1_000
    assert not any("open" in said for tag, said in page.tags if tag == "details")
    for said in (
        "The first 60 of 100 groups", "1,000 runs; 700 more are left out", "39 more comparisons are left out",
        "Left out of the drawing: 60 groups", "The curves of 81 more groups are left out", "... and 700 more",
    ):  # fmt: skip
        assert said in page.text, said


def test_many_groups_have_a_curve_each(compared: Compared, page_of: Callable[..., Any]) -> None:
    """Beside the baseline, not in a tangle; up to four lie over each other."""
    few, many = ({f"g{at}": [1.0, 2.0] for at in range(count)} for count in (4, 5))

    assert page_of(compared(few)).text.count("reward 95 %") == 0
    assert "Each group beside g0, which is dashed" not in page_of(compared(few)).text
    assert "Each group beside g0, which is dashed" in page_of(compared(many)).text


def test_groups_of_one_folder_are_called_without_it(compared: Compared, page_of: Callable[..., Any]) -> None:
    """In titles, sentences and tables; the folder is said once."""
    page = page_of(compared({"/logs/night/base": [1.0, 2.0], "/logs/night/new": [3.0, 4.0]}))

    assert "new is better than base, said in a sentence." in page.text
    assert "The groups are folders in /logs/night/" in page.text


def test_where_two_runs_part_is_told(compared: Compared, page_of: Callable[..., Any]) -> None:
    """If that was asked: the update, what is seen there, and what differs."""
    parts = Divergence(
        kind="exact", update=12, env_step=2_048, metrics=["entropy"], compared=90, differences={"seed": (1, 2)},
        sentences=["They are equal to six digits until update 12."],
    )  # fmt: skip
    page = page_of(compared(THREE), divergence=parts)

    assert "They are equal to six digits until update 12." in page.text
    assert "Environment step there 2,048" in page.text
    assert "Where the two runs diverge" not in page_of(compared(THREE)).text


def test_the_same_is_told_in_markdown(compared: Compared, tmp_path: Path, hostile_text: str) -> None:
    """Tables have as many cells in each row as titles, and no name is markup."""
    found = compared({"base": [1.0, 2.0], hostile_text: [3.0, None], "c": [1.0]}, everything=True)
    text = write_comparison(found, tmp_path / "page.md", figures=False).read_text()

    outside_of_code = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    assert "<script" not in outside_of_code
    assert re.search(r"(?<!\\)\]\(javascript", outside_of_code) is None
    assert "- **c against base**: **better**. c is better than base, said in a sentence." in text
    assert "| base | n = 2 | 1, 2 |" in text
    for line, following in itertools.pairwise(text.splitlines()):
        if line.startswith("|") and following.startswith("|"):
            assert line.replace("\\|", "").count("|") == following.replace("\\|", "").count("|")


@pytest.mark.usefixtures("printer")
@pytest.mark.parametrize(("ending", "begins"), [("pdf", b"%PDF"), ("png", b"\x89PNG")])
def test_it_is_printed(compared: Compared, tmp_path: Path, ending: str, begins: bytes, hostile_text: str) -> None:
    """Also with names that would be formulas, and with what is absent."""
    found = compared({"base": [1.0, 2.0], hostile_text: [3.0, None], "c": []}, everything=True)

    assert write_comparison(found, tmp_path / f"page.{ending}").read_bytes().startswith(begins)


def test_a_form_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    """One that there is not, and a folder."""
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(ExportError, match=r"report\.doc has no report format"):
        check_form(tmp_path / "report.doc")
    with pytest.raises(ExportError, match=r"folder\.html cannot be written"):
        check_form(tmp_path / "folder.html")


def test_a_notebook_shows_it(compared: Compared, read_page: ReadPage) -> None:
    """The verdict, every run, the curves; without tables of settings."""
    card = ComparisonCard(compared(THREE, everything=True))
    page = read_page(card._repr_html_())

    assert repr(card) == "<ComparisonCard: 6 runs in 2 groups>"
    assert (page.open, page.faults) == ([], [])
    assert "Limits of the conclusions" in page.text
    assert "Reproduction" not in page.text
