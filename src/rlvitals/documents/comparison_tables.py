"""The tables of a comparison: groups, comparisons, settings, items, and every run."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from rlvitals.comparison import Comparison, Divergence, RunGroup, RunOutcome, Versus
from rlvitals.comparison.result import PairedItems, SettingInfluence, SettingsEffect
from rlvitals.comparison.wording import UNKNOWN, cut
from rlvitals.documents.comparison_charts import kinds_of, mean_on
from rlvitals.documents.comparison_verdict import MOST_COMPARISONS, name_of
from rlvitals.documents.document import Cell, Table, Toned, chosen, table_of
from rlvitals.documents.run_tables import around_zero, interval, judged, value
from rlvitals.formatting import ABSENT, count, number, percent

MOST_GROUPS = 60
"""Groups that a report tells of."""
MOST_RUNS = 300
"""Runs that a report lists."""

_MOST_SETTINGS = 40
_MOST_ITEMS = 60
_ACROSS = 6
"""Groups that may stand side by side; more stand under each other."""
_MOST_ACROSS = 8
_SCREEN = 30
_LONGEST = 160
_STANDINGS = {"counted": "", "counts as worst": "bad", "left out": "watch"}


def groups_table(found: Comparison) -> Table:
    """What each group came to."""
    kinds = kinds_of(found.groups)
    gap = any(group.optimality_gap is not None for group in found.groups)
    titles = ["group", "counted", "worst", "left out"]
    together = any(group.estimates[found.statistic].mean.estimate is not None for group in found.groups)
    titles += ["mean", "95 % interval", "median", "IQM", "std"] if together else []
    titles += ["optimality gap"] if gap else []
    rows: list[tuple[Cell, ...]] = []
    for group in found.groups[:MOST_GROUPS]:
        known = group.estimates[found.statistic]
        row: list[Cell] = [
            Toned(cut(group.name, _LONGEST), kinds[group.name]),
            count(group.counted),
            Toned(count(group.worst), "bad" if group.worst else "quiet"),
            Toned(count(group.left_out), "watch" if group.left_out else "quiet"),
        ]
        if together:
            row += [value(known.mean.estimate), interval(known.mean)]
            row += [value(known.median.estimate), value(known.iqm.estimate), value(known.spread)]
        if gap:
            row.append(value(group.optimality_gap.estimate if group.optimality_gap else None))
        rows.append(tuple(row))
    return Table(tuple(titles), tuple(rows), caption=_first("groups", len(found.groups), MOST_GROUPS))


def tasks_table(found: Comparison) -> Table | None:
    """What each group came to on each task, where there are several."""
    if len(found.horizons) < 2:  # noqa: PLR2004 - one is in the table of groups
        return None
    rows: list[tuple[Cell, ...]] = []
    for task in found.horizons:
        for group in found.groups:
            outcomes = [one for one in found.runs if one.group == group.name and one.task == task]
            if outcomes:
                mean = mean_on(found, group, outcomes, task)
                counted = count(sum(one.standing == "counted" for one in outcomes))
                rows.append((task or ABSENT, cut(group.name, _LONGEST), counted, value(mean.estimate), interval(mean)))
    caption = f"By environment{_more(len(rows), MOST_RUNS)}"
    titles = ("environment", "group", "counted", "mean", "95 % interval")
    return Table(titles, tuple(rows[:MOST_RUNS]), texts=(0, 1), caption=caption, folded=len(rows) > _SCREEN)


def estimates_table(found: Comparison) -> Table:
    """Every estimate of every statistic with its interval."""
    rows: list[tuple[Cell, ...]] = []
    for group in found.groups[:MOST_GROUPS]:
        for name, known in group.estimates.items():
            row: list[Cell] = [cut(group.name, _LONGEST), name]
            for one in (known.mean, known.median, known.iqm):
                row += [value(one.estimate), interval(one)]
            rows.append((*row, value(known.spread), value(known.lowest), value(known.highest)))
    titles = (
        "group", "statistic", "mean", "95 % interval", "median", "95 % interval", "IQM", "95 % interval", "std",
        "min", "max",
    )  # fmt: skip
    return Table(titles, tuple(rows), texts=(0, 1), caption="All statistics with intervals", folded=True)


def target_table(found: Comparison) -> Table | None:
    """How soon groups reach the target."""
    if found.target is None or not any(group.target for group in found.groups):
        return None
    p_values = {one.group: one.target_p for one in found.comparisons if one.target_p is not None}
    rows: list[tuple[Cell, ...]] = []
    for group in found.groups[:MOST_GROUPS]:
        if group.target is not None:
            known = group.target
            rows.append(
                (
                    cut(group.name, _LONGEST),
                    f"{count(known.reached)} of {count(known.runs)}",
                    value(known.median),
                    value(known.restricted_mean.estimate),
                    interval(known.restricted_mean),
                    value(p_values.get(group.name), 2),
                )
            )
    titles = ("group", "reached", "median", "restricted mean", "95 % interval", "p (log-rank)")
    return Table(titles, tuple(rows), caption=f"Steps to the target {number(found.target)}")


def tests_table(found: Comparison) -> Table:
    """Tabulate the test of each comparison and its result."""
    columns: dict[str, Callable[[Versus], Cell]] = {
        "": lambda one: name_of(one, found),
        "verdict": lambda one: judged(one.verdict),
        "runs": lambda one: f"{count(one.runs[0])} + {count(one.runs[1])}",
        "difference": lambda one: value(one.difference.estimate),
        "interval": lambda one: interval(one.difference),
        "relative": lambda one: percent(one.relative),
        "p": lambda one: value(one.p_value, 2),
        "p (Holm)": lambda one: value(one.adjusted_p, 2),
        "p (FDR)": lambda one: value(one.false_discovery_p, 2),
        "Hedges' g": lambda one: f"{number(one.effect.estimate, 3)}{_within(interval(one.effect))}",
        "probability of improvement": lambda one: (
            f"{percent(one.improvement.estimate)}{_within(interval(one.improvement, shares=True))}"
        ),
        "test": lambda one: one.method,
    }
    shown = shown_comparisons(found)
    caption = f"Tests{_more(len(found.comparisons), len(shown))}"
    return table_of(shown, columns, texts=(0, 1, 11), caption=caption, folded=True)


def further_table(found: Comparison) -> Table | None:
    """Whether groups are the same, what a look in between may say, and what further runs would bring: what is known."""
    known = [one for one in shown_comparisons(found) if one.equivalence or one.sequential or one.more_runs]
    if not known:
        return None
    columns: dict[str, list[Cell]] = {"": [name_of(one, found) for one in known]}
    texts = [0]
    if any(one.equivalence for one in known):
        texts.append(len(columns))
        margin = next(one.equivalence.margin for one in known if one.equivalence)
        same = [one.equivalence for one in known]
        columns[f"equivalent within {number(margin)}?"] = [judged(one.verdict) if one else ABSENT for one in same]
        columns[f"{percent(1 - 2 * found.level, 3)} interval"] = [
            interval(one.interval) if one else ABSENT for one in same
        ]
    if any(one.sequential for one in known):
        texts.append(len(columns))
        looks = [one.sequential for one in known]
        columns["sequential test"] = [judged(one.verdict) if one else ABSENT for one in looks]
        columns[f"e-value (needs {number(1 / found.level)})"] = [
            number(one.e_value, 3) if one else ABSENT for one in looks
        ]
        columns["sequential interval"] = [interval(one.interval) if one else ABSENT for one in looks]
    if any(one.more_runs for one in known):
        more = [one.more_runs for one in known]
        columns["more runs per group"] = [
            ABSENT if one is None else "more than 200" if one.needed is None else count(one.needed) for one in more
        ]
        columns["power with them"] = [percent(one.chance) if one else ABSENT for one in more]
    return Table(tuple(columns), tuple(zip(*columns.values(), strict=True)), texts=tuple(texts))


def differences_table(found: Comparison) -> Table | None:
    """What differs between the groups: beside each other where they are few, else under each other."""
    settings = list(found.differences.items())
    if not settings:
        return None
    names = [group.name for group in found.groups[:MOST_GROUPS]]
    if len(found.groups) <= _ACROSS:
        shown = settings[:_MOST_SETTINGS]
        rows = tuple((name, *(said(values.get(group)) for group in names)) for name, values in shown)
        titles = ("setting", *(cut(name, 40) for name in names))
        caption = _first("settings", len(settings), _MOST_SETTINGS)
    else:
        shown = settings[:_MOST_ACROSS]
        rows = tuple((cut(group, _LONGEST), *(said(values.get(group)) for _, values in shown)) for group in names)
        titles = ("group", *(cut(name, 40) for name, _ in shown))
        caption = _first("settings", len(settings), _MOST_ACROSS)
    return Table(titles, rows, texts=tuple(range(len(titles))), caption=caption)


def varying_table(groups: Sequence[RunGroup]) -> Table | None:
    """What differs among the runs of a group, beside the seed."""
    every = [(group.name, name, values) for group in groups for name, values in group.varying.items()]
    if not every:
        return None
    rows = tuple(
        (cut(group, _LONGEST), name, cut(", ".join(map(said, values)), _LONGEST))
        for group, name, values in every[:_MOST_SETTINGS]
    )
    caption = f"Settings that vary within groups, apart from the seed{_more(len(every), _MOST_SETTINGS)}"
    return Table(("group", "setting", "values"), rows, texts=(0, 1, 2), caption=caption, folded=len(rows) > _ACROSS)


def paired_table(found: Sequence[PairedItems]) -> Table:
    """Tabulate evaluations on the same items, each category below the whole."""
    columns: dict[str, Callable[[PairedItems], Cell]] = {
        "group": lambda one: cut(one.group),
        "baseline": lambda one: cut(one.baseline.removeprefix("policy ")),
        "metric": lambda one: one.metric,
        "category": lambda one: one.category or Toned("all", "quiet"),
        "verdict": lambda one: judged(one.verdict),
        "difference": lambda one: value(one.difference.estimate),
        "around zero": lambda one: around_zero(one.difference),
        "95 % interval": lambda one: interval(one.difference),
        "better on": lambda one: percent(one.improved.estimate),
        "items": lambda one: f"{count(one.items)}{f' of {count(one.items + one.unshared)}' if one.unshared else ''}",
        "p": lambda one: value(one.p_value, 2),
    }
    caption = _first("rows", len(found), _MOST_ITEMS)
    table = table_of(found[:_MOST_ITEMS], columns, texts=(0, 1, 2, 3, 4, 6), caption=caption)
    return table if any(one.category for one in found) else chosen(table, columns.keys() - {"category"})


def settings_table(settings: SettingsEffect) -> Table:
    """Tabulate the effect of each setting on the outcome."""
    columns: dict[str, Callable[[SettingInfluence], Cell]] = {
        "setting": lambda one: one.name,
        "has an effect": lambda one: Toned("yes", "good") if one.matters else Toned("not shown", "quiet"),
        "variance explained": lambda one: percent(max(0.0, one.share)),
        "best at": lambda one: said(one.best),
        "worst at": lambda one: said(one.worst),
        "difference": lambda one: value(one.difference.estimate),
        "95 % interval": lambda one: interval(one.difference),
        "p": lambda one: value(one.p_value, 2),
        "p (all settings)": lambda one: value(one.adjusted_p, 2),
    }
    caption = _first("settings", len(settings.influences), _MOST_SETTINGS)
    return table_of(settings.influences[:_MOST_SETTINGS], columns, texts=(0, 1, 3, 4), caption=caption)


def divergence_table(parts: Divergence) -> Table | None:
    """What differs in the configurations of two runs."""
    rows = tuple(
        (name, said(one), said(other)) for name, (one, other) in list(parts.differences.items())[:_MOST_SETTINGS]
    )
    caption = _first("settings", len(parts.differences), _MOST_SETTINGS)
    return Table(("setting", "first run", "second run"), rows, texts=(0, 1, 2), caption=caption) if rows else None


def runs_table(found: Comparison) -> Table:
    """What each run came to, those that are not simply counted first where not all can be listed."""
    every = list(found.runs)
    if len(every) > MOST_RUNS:
        every.sort(key=lambda one: one.standing == "counted")
    shown = every[:MOST_RUNS]
    columns: dict[str, list[Cell]] = {
        "run": [one.run for one in shown],
        "group": [cut(one.group) for one in shown],
    }
    if len(found.horizons) > 1:
        columns["environment"] = [one.task or ABSENT for one in shown]
    columns["seed"] = [ABSENT if one.seed is None else said(one.seed) for one in shown]
    columns["status"] = [one.status for one in shown]
    columns["counted as"] = [_standing(one) for one in shown]
    texts = list(range(len(columns)))
    columns["reached"] = [value(one.reached) for one in shown]
    columns["values"] = [count(one.values) for one in shown]
    if any(one.not_finite for one in shown):
        columns["non-finite"] = [
            Toned(count(one.not_finite), "bad") if one.not_finite else Toned(ABSENT, "quiet") for one in shown
        ]
    for name in ("final", "area", "best"):
        columns[name] = [value(one.outcomes.get(name)) for one in shown]
    if found.target is not None:
        columns["target at"] = [value(one.steps_to_target) for one in shown]
    if any(one.reason for one in shown):
        texts.append(len(columns))
        columns["reason"] = [one.reason or Toned(ABSENT, "quiet") for one in shown]
    caption = f"{count(len(every))} runs{_more(len(every), MOST_RUNS)}"
    rows = tuple(zip(*columns.values(), strict=True))
    return Table(tuple(columns), rows, texts=tuple(texts), caption=caption, folded=len(every) > _SCREEN)


def said(setting: Any) -> str:
    """The value of a setting; several where a group has several."""
    if isinstance(setting, list):
        return cut(", ".join(map(said, setting)), _LONGEST)
    if setting is None:
        return UNKNOWN
    if isinstance(setting, float):
        return number(setting, 6)
    return cut(setting if isinstance(setting, str) else json.dumps(setting, default=str), _LONGEST)


def shown_comparisons(found: Comparison) -> list[Versus]:
    """The comparisons that a report tells of."""
    return found.comparisons[:MOST_COMPARISONS]


def _standing(one: RunOutcome) -> Cell:
    tone = _STANDINGS[one.standing]
    return Toned(one.standing, tone) if tone else one.standing


def _within(found: str) -> str:
    return "" if found == ABSENT else f" ({found})"


def _more(many: int, most: int) -> str:
    """What is left out, said."""
    return f"; {count(many - most)} more are left out" if many > most else ""


def _first(what: str, many: int, most: int) -> str:
    return f"The first {count(most)} of {count(many)} {what}" if many > most else ""
