"""The report of a comparison: the verdict, then the evidence, then how to reproduce it."""

import platform
import sys
from collections.abc import Iterator

from rlvitals.comparison import Comparison, Divergence
from rlvitals.comparison.caveats import foremost, horizon_of
from rlvitals.comparison.overall_verdict import overall_verdict
from rlvitals.comparison.wording import AXIS_WORDS, cut, outcome_phrase, p_text
from rlvitals.documents import comparison_charts as charts
from rlvitals.documents import comparison_tables as tables
from rlvitals.documents.charts import GROUPS
from rlvitals.documents.document import (
    Block,
    Bullets,
    Cell,
    Charts,
    Code,
    Document,
    Facts,
    Prose,
    Section,
    Table,
    Toned,
    charts_of,
    chosen,
    filled,
    foot,
    release,
)
from rlvitals.documents.group_labels import shortened
from rlvitals.documents.run_tables import interval
from rlvitals.formatting import ABSENT, count, counted, number
from rlvitals.records.metrics import metric_named

_INFLUENCES = {
    "found": "Some settings have an effect",
    "none found": "No effect of a setting is shown",
    "not enough runs": "Not enough runs",
}
_BRIEF_TESTS = {"", "verdict", "difference", "interval", "p (Holm)", "Hedges' g"}
_BRIEF_ITEMS = {"group", "baseline", "metric", "category", "verdict", "difference", "95 % interval", "share better"}
"""Columns of the short tables."""
_PACKAGES = ("rlvitals", "numpy", "duckdb")
_TITLE = 90
_TWO = 2


def comparison_document(found: Comparison, parts: Divergence | None, call: str, made: float) -> Document:
    """Write the report of a comparison.

    Args:
        found: The comparison.
        parts: First divergence of the two runs, if it was requested.
        call: Command or call that made the comparison. Empty if it is unknown.
        made: Time of the report (UTC, seconds since 1970).
    """
    found, folder = shortened(found)
    names = [group.name for group in found.groups]
    title = f"{len(names)} groups of runs"
    if len(names) <= _TWO:
        title = cut(" vs. ".join(reversed(names)), _TITLE)
    return Document(
        title=title,
        kind=f"Comparison of runs by {metric_named(found.metric).phrase}",
        status=counted(len(found.runs), "run"),
        verdict=overall_verdict(found),
        key_facts=tuple(_key_facts(found)),
        sections=filled(_sections(found, parts, call, folder)),
        foot=foot(made),
    )


def _key_facts(found: Comparison) -> Iterator[tuple[str, str, str]]:
    if len(found.comparisons) == 1:
        one = found.comparisons[0]
        within = interval(one.difference)
        of_whom = "of runs with an outcome" if any(group.worst for group in found.groups) else ""
        notes = [*([of_whom] if of_whom else []), *([f"interval {within}"] if within != ABSENT else [])]
        yield "difference", number(one.difference.estimate), "; ".join(notes)
        if one.p_value is not None:
            yield "p", p_text(one.p_value), one.method
    included = sum(group.counted for group in found.groups)
    worst, left_out = (sum(getattr(group, name) for group in found.groups) for name in ("worst", "left_out"))
    beside = [f"{count(many)} {what}" for many, what in ((worst, "count as worst"), (left_out, "left out")) if many]
    yield "runs counted", count(included), ", ".join(beside) or "all runs"
    if len(found.groups) > _TWO:
        yield "groups", count(len(found.groups)), counted(len(found.comparisons), "comparison")
    yield "statistic", found.statistic, outcome_phrase(found.statistic, found.metric)
    yield "up to", horizon_of(found).removesuffix(AXIS_WORDS[found.axis]).strip(), AXIS_WORDS[found.axis]
    if len(found.horizons) > 1:
        yield "environments", count(len(found.horizons)), "compared separately"


def _sections(found: Comparison, parts: Divergence | None, call: str, folder: str) -> Iterator[Section]:
    yield Section("first", "Important notes", "", (Bullets(tuple(foremost(found))),))
    yield from _conclusions(found, parts)
    effects = tuple(_setting_blocks(found))
    tabled = tuple(block for block in effects if not isinstance(block, Charts))
    settings = Section("settings", "Which settings matter", "", effects, tabled)
    many = len(found.groups) > len(GROUPS)
    if many:  # a search is about settings first
        yield settings
    where = f" The groups are folders in {folder}" if folder else ""
    yield Section(
        "groups",
        "Groups",
        "Each run contributes one value. Means have 95 % intervals; std is the standard deviation between runs."
        f"{where}",
        tuple(_group_blocks(found)),
        # Without a comparison, the means are all that there is. Outcomes of several environments have no common mean.
        (
            tables.groups_table(found),
            *(() if found.comparisons else (tables.tasks_table(found),)),
            tables.target_table(found),
        ),
    )
    yield _learning(found)
    yield Section(
        "profiles",
        "Performance profiles",
        "Share of a group's runs that are better than each value. If one line is above another everywhere, its group "
        "is better. Runs that count as worst are included. Shaded: 95 % interval at each value.",
        tuple(_profile_blocks(found)),
        (),
    )
    items = tables.paired_table(found.paired)
    yield Section("items", "Item by item", _ITEMS, (items,), (chosen(items, _BRIEF_ITEMS),))
    if not many:
        yield settings
    further = (tables.further_table(found),)
    yield Section("further", "Equivalence, sequential test and more runs", _FURTHER, further, ())
    differences = (tables.differences_table(found), tables.varying_table(found.groups))
    yield Section("differs", "Differences", "Settings, versions and commit, as recorded by the runs.", differences)
    yield Section("rules", "Rules applied", "", (Bullets(tuple(found.notes)),))
    outcomes = tuple(_outcome_blocks(found))
    yield Section("outcomes", "Runs", "", outcomes, outcomes[1:])
    yield Section("again", "Reproduction", "", tuple(_again(found, call)), ())


_ITEMS = (
    "Last evaluations on the same items, each item averaged over the runs of a group. The sample is the items, so the "
    "result holds for more items and for these runs."
)
_FURTHER = (
    "A difference that is not shown may still exist. The sequential interval holds however often it is checked while "
    "runs are added. The number of runs needed assumes that the true difference is the observed one. The power takes "
    "the uncertainty of that difference into account."
)


def _conclusions(found: Comparison, parts: Divergence | None) -> Iterator[Section]:
    shown = tables.shown_comparisons(found)
    concluded: list[Block] = [charts_of(charts.differences(found, shown))]
    if len(found.comparisons) > 1:
        statements = tables.statements_of(found)
        without = "{} more comparisons have too few runs or no common environment. See the table."
        concluded += [statements, _left_out(len(shown) - len(statements.statements), without)]
    concluded.append(
        _left_out(len(found.comparisons) - len(shown), "{} more comparisons are not listed. Use --json for all.")
    )
    tests = tables.tests_table(found)
    brief = chosen(tests, _BRIEF_TESTS)._replace(caption="")
    yield Section("concluded", "Conclusions", "", (*concluded, tests), (*concluded, brief))
    first = foremost(found)
    limits = Bullets(tuple(one for one in found.limits if one not in first))
    yield Section("limits", "Limits of the conclusions", "", (limits,))
    if parts is not None:
        facts: list[tuple[str, Cell]] = [("Updates in common", count(parts.compared))]
        if parts.update is not None:
            facts.append(("First difference at update", count(parts.update)))
            facts.append(("Environment step there", count(parts.env_step)))
            facts.append(("Metrics that differ first", ", ".join(parts.metrics[:10]) or ABSENT))
        blocks = (Bullets(tuple(parts.sentences)), Facts(tuple(facts)), tables.divergence_table(parts))
        yield Section("divergence", "Where the two runs diverge", "", blocks)


def _group_blocks(found: Comparison) -> Iterator[Block]:
    yield tables.groups_table(found)
    yield charts_of(*charts.dots(found))
    yield tables.target_table(found)
    yield tables.tasks_table(found)
    left = [
        f"{count(many - most)} {what}"
        for many, most, what in (
            (len(found.groups), charts.MOST_ROWS, "groups"),
            (len(found.horizons), charts.MOST_TASKS, "environments"),
        )
        if many > most
    ]
    if left:
        yield Prose(f"Not drawn: {' and '.join(left)}.", "quiet")
    if any(known.mean.estimate is not None for group in found.groups for known in group.estimates.values()):
        yield tables.estimates_table(found)


def _learning(found: Comparison) -> Section:
    drawn, together = charts.learning_curves(found)
    lead = (
        "Mean over the runs that have a value at each step; their number is drawn below. Shaded: pointwise 95 % "
        "interval of the mean."
    )
    blocks: list[Block] = [charts_of(*drawn)]
    if not together and drawn:
        base = cut(found.groups[0].name)
        lead += f" Each group is drawn with {base} (dashed). All use one scale, except groups far outside it."
    left = len(found.groups) - 1 - len(drawn) // max(1, min(len(found.horizons), charts.MOST_TASKS))
    blocks.append(_left_out(0 if together else left, "The curves of {} more groups are not drawn."))
    more = len(found.horizons) - charts.MOST_TASKS
    blocks.append(_left_out(more, "The curves of {} more environments are not drawn."))
    return Section("learning", "Learning curves", lead, tuple(blocks), ())


def _profile_blocks(found: Comparison) -> Iterator[Block]:
    drawn = charts.profiles(found)
    yield charts_of(*drawn)
    left = len(found.groups) - 1 - len(drawn) if drawn and len(found.groups) > len(GROUPS) else 0
    yield _left_out(left, "The profiles of {} more groups are not drawn.")


def _setting_blocks(found: Comparison) -> Iterator[Block]:
    settings = found.settings
    if settings is None:
        return
    yield Prose(f"{_INFLUENCES.get(settings.verdict, settings.verdict)}, over {counted(settings.runs, 'run')}.")
    yield Bullets(tuple(settings.advice))
    if settings.interactions:
        pairs = "; ".join(f"{one} with {other}" for one, other in settings.interactions[:20])
        yield Prose(f"Interactions: {pairs}.")
    yield charts_of(charts.influences(settings.influences))
    yield tables.settings_table(settings)


def _outcome_blocks(found: Comparison) -> Iterator[Block]:
    yield tables.runs_table(found)
    rows = tuple((one.path, Toned(one.reason, "bad")) for one in found.refused[: tables.MOST_RUNS])
    more = len(found.refused) - len(rows)
    caption = (
        f"{counted(len(found.refused), 'folder')} could not be opened{f', {count(more)} not listed' if more else ''}"
    )
    yield Table(("folder", "reason"), rows, texts=(0, 1), caption=caption)


def _left_out(many: int, text: str) -> Prose:
    """Report how many items are not shown. The text is empty if there are none."""
    return Prose(text.format(count(many)) if many > 0 else "", "quiet")


def _again(found: Comparison, call: str) -> Iterator[Block]:
    if call:
        yield Code(call, "Command (the same runs and versions give the same numbers)")
    else:
        yield Prose("The call that made this report is unknown. Its parameters:", "quiet")
    facts: list[tuple[str, Cell]] = [
        ("Metric", f"{found.metric}, {'lower' if found.higher_is_better is False else 'higher'} is better"),
        ("Statistic", f"{found.statistic}: {outcome_phrase(found.statistic, found.metric)}"),
        ("Axis", found.axis),
        ("Significance level", number(found.level)),
    ]
    if len(found.horizons) <= tables.MOST_GROUPS:
        facts += [(f"Horizon {task}".strip(), number(place, 8)) for task, place in found.horizons.items()]
    if found.target is not None:
        facts.append(("Target", number(found.target)))
    facts.append(
        ("Versions", ", ".join([*map(release, _PACKAGES), f"Python {platform.python_version()} on {sys.platform}"]))
    )
    yield Facts(tuple(facts))
    folders = "\n".join(f"{one.group}: {one.path}" for one in found.runs[: tables.MOST_RUNS])
    more = f"\n... and {count(len(found.runs) - tables.MOST_RUNS)} more" if len(found.runs) > tables.MOST_RUNS else ""
    yield Code(folders + more, f"Folders of {counted(len(found.runs), 'run')}", folded=True)
