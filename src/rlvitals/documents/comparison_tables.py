"""Tables of a comparison: groups, comparisons, settings, items and runs."""

from collections.abc import Callable, Sequence
from typing import Any

from rlvitals.comparison import Comparison, Divergence, RunGroup, RunOutcome, Versus
from rlvitals.comparison.caveats import WITHOUT_TEST
from rlvitals.comparison.group_estimates import mean_on
from rlvitals.comparison.overall_verdict import IN_ORDER
from rlvitals.comparison.result import PairedItems, Reached, SettingInfluence, SettingsEffect
from rlvitals.comparison.wording import UNKNOWN, cut
from rlvitals.documents.comparison_charts import kinds_of
from rlvitals.documents.document import Cell, Statement, Statements, Table, Toned, table_of, toned
from rlvitals.documents.run_tables import around_zero, flagged, interval, value, within
from rlvitals.formatting import ABSENT, count, counted, number, percent
from rlvitals.sinks.flattening import setting_text
from rlvitals.summary.tones import TONES

MOST_GROUPS = 60
"""Maximum number of groups in a table."""
MOST_RUNS = 300
"""Maximum number of runs in a table."""

_MOST_COMPARISONS = 60
_MOST_STATEMENTS = 12
"""If there are more comparisons than this, those without a result get no statement."""
_MOST_SETTINGS = 40
_MOST_ITEMS = 60
_ACROSS = 6
"""Maximum number of groups as columns. More groups are rows."""
_MOST_ACROSS = 8
_SCREEN = 30
_LONGEST = 160
_LONGEST_NAME = 100
_LONGEST_TITLE = 40


def shown_comparisons(found: Comparison) -> list[Versus]:
    """Return the comparisons that a report lists."""
    return found.comparisons[:_MOST_COMPARISONS]


def statements_of(found: Comparison) -> Statements:
    """State every comparison, those with a result first. If there are many, omit those that cannot have a result."""
    shown = shown_comparisons(found)
    if len(shown) > _MOST_STATEMENTS:
        shown = [one for one in shown if one.verdict not in WITHOUT_TEST]
    order = {verdict: place for place, verdict in enumerate(IN_ORDER)}
    ordered = sorted(shown, key=lambda one: order.get(one.verdict, len(order)))
    return Statements(
        tuple(Statement(_name(one, found), one.verdict, TONES[one.verdict], tuple(one.sentences)) for one in ordered)
    )


def groups_table(found: Comparison) -> Table:
    """Tabulate the runs and the outcome of each group."""
    kinds = kinds_of(found.groups)
    columns: dict[str, Callable[[RunGroup], Cell]] = {
        "group": lambda group: Toned(cut(group.name, _LONGEST), kinds[group.name]),
        "counted": lambda group: count(group.counted),
        "worst": lambda group: Toned(count(group.worst), "bad" if group.worst else "quiet"),
        "left out": lambda group: Toned(count(group.left_out), "watch" if group.left_out else "quiet"),
        "mean": lambda group: value(group.estimates[found.statistic].mean.estimate),
        "95 % interval": lambda group: interval(group.estimates[found.statistic].mean),
        "median": lambda group: value(group.estimates[found.statistic].median.estimate),
        "IQM": lambda group: value(group.estimates[found.statistic].iqm.estimate),
        "std": lambda group: value(group.estimates[found.statistic].spread),
        "optimality gap": lambda group: value(group.optimality_gap.estimate if group.optimality_gap else None),
    }
    has_means = any(group.estimates[found.statistic].mean.estimate is not None for group in found.groups)
    sparse = {"optimality gap"} if has_means else columns.keys()
    caption = _first("groups", len(found.groups), MOST_GROUPS)
    return table_of(found.groups[:MOST_GROUPS], columns, sparse=sparse, caption=caption)


def tasks_table(found: Comparison) -> Table:
    """Tabulate the outcome of each group on each task. The table has no rows if there is only one task."""
    rows: list[tuple[Cell, ...]] = []
    for task in found.horizons if len(found.horizons) > 1 else ():
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
    """Tabulate every estimate of every statistic with its interval."""
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


def target_table(found: Comparison) -> Table:
    """Tabulate the time to target of each group. The table has no rows if there is no target."""
    reached = [(group.name, group.target) for group in found.groups[:MOST_GROUPS] if group.target is not None]
    p_values = {one.group: one.target_p for one in found.comparisons if one.target_p is not None}
    columns: dict[str, Callable[[tuple[str, Reached]], Cell]] = {
        "group": lambda row: cut(row[0], _LONGEST),
        "reached": lambda row: f"{count(row[1].reached)} of {count(row[1].runs)}",
        "median": lambda row: value(row[1].median),
        "restricted mean": lambda row: value(row[1].restricted_mean.estimate),
        "95 % interval": lambda row: interval(row[1].restricted_mean),
        "p (log-rank)": lambda row: value(p_values.get(row[0]), 2),
    }
    return table_of(reached, columns, caption=f"Steps to the target {number(found.target)}")


def tests_table(found: Comparison) -> Table:
    """Tabulate the test of each comparison and its result."""
    columns: dict[str, Callable[[Versus], Cell]] = {
        "": lambda one: _name(one, found),
        "verdict": lambda one: toned(one.verdict),
        "runs": lambda one: f"{count(one.runs[0])} + {count(one.runs[1])}",
        "difference": lambda one: value(one.difference.estimate),
        "interval": lambda one: interval(one.difference),
        "relative": lambda one: percent(one.relative),
        "p": lambda one: value(one.p_value, 2),
        "p (Holm)": lambda one: value(one.adjusted_p, 2),
        "p (FDR)": lambda one: value(one.false_discovery_p, 2),
        "Hedges' g": lambda one: f"{number(one.effect.estimate, 3)}{within(one.effect)}",
        "probability of improvement": lambda one: (
            f"{percent(one.improvement.estimate)}{within(one.improvement, shares=True)}"
        ),
        "test": lambda one: one.method,
    }
    shown = shown_comparisons(found)
    caption = f"Tests{_more(len(found.comparisons), len(shown))}"
    return table_of(shown, columns, texts={"verdict", "test"}, caption=caption, folded=True)


def further_table(found: Comparison) -> Table:
    """Tabulate equivalence, sequential tests and the number of runs needed."""
    known = [one for one in shown_comparisons(found) if one.equivalence or one.sequential or one.more_runs]
    margin = next((one.equivalence.margin for one in known if one.equivalence), None)
    equivalent = f"equivalent within {number(margin)}?"
    columns: dict[str, Callable[[Versus], Cell]] = {
        "": lambda one: _name(one, found),
        equivalent: lambda one: toned(one.equivalence.verdict) if one.equivalence else ABSENT,
        f"{percent(1 - 2 * found.level, 3)} interval": lambda one: (
            interval(one.equivalence.interval) if one.equivalence else ABSENT
        ),
        "sequential test": lambda one: toned(one.sequential.verdict) if one.sequential else ABSENT,
        f"e-value (needs {number(1 / found.level)})": lambda one: (
            number(one.sequential.e_value, 3) if one.sequential else ABSENT
        ),
        "sequential interval": lambda one: interval(one.sequential.interval) if one.sequential else ABSENT,
        "more runs per group": _runs_needed,
        "power with them": lambda one: percent(one.more_runs.chance) if one.more_runs else ABSENT,
    }
    return table_of(known, columns, texts={equivalent, "sequential test"}, sparse=columns.keys())


def _runs_needed(one: Versus) -> str:
    if one.more_runs is None:
        return ABSENT
    return "more than 200" if one.more_runs.needed is None else count(one.more_runs.needed)


def differences_table(found: Comparison) -> Table:
    """Tabulate the settings that differ between groups: few groups are columns, many are rows."""
    is_across = len(found.groups) <= _ACROSS
    most = _MOST_SETTINGS if is_across else _MOST_ACROSS
    groups = [group.name for group in found.groups[:MOST_GROUPS]]
    settings = list(found.differences)[:most]
    rows = [[_setting(found.differences[setting].get(group)) for group in groups] for setting in settings]
    if is_across:
        what, names, columns = "setting", settings, groups
    else:
        what, names, columns = "group", groups, settings
        rows = [list(row) for row in zip(*rows, strict=True)]
    return Table(
        (what, *(cut(name, _LONGEST_TITLE) for name in columns)),
        tuple((cut(name, _LONGEST), *row) for name, row in zip(names, rows, strict=True)),
        texts=tuple(range(len(columns) + 1)),
        caption=_first("settings", len(found.differences), most),
    )


def varying_table(groups: Sequence[RunGroup]) -> Table:
    """Tabulate the settings that vary within a group, except for the seed."""
    every = [(group.name, name, values) for group in groups for name, values in group.varying.items()]
    rows = tuple(
        (cut(group, _LONGEST), name, cut(", ".join(map(_setting, values)), _LONGEST))
        for group, name, values in every[:_MOST_SETTINGS]
    )
    caption = f"Settings that vary within groups, except for the seed{_more(len(every), _MOST_SETTINGS)}"
    return Table(("group", "setting", "values"), rows, texts=(0, 1, 2), caption=caption, folded=len(rows) > _ACROSS)


def paired_table(found: Sequence[PairedItems]) -> Table:
    """Tabulate evaluations on the same items: all items first, then each category."""
    whole = Toned("all", "quiet") if any(one.category for one in found) else ABSENT
    columns: dict[str, Callable[[PairedItems], Cell]] = {
        "group": lambda one: cut(one.group),
        "baseline": lambda one: cut(one.baseline.removeprefix("policy ")),
        "metric": lambda one: one.metric,
        "category": lambda one: one.category or whole,
        "verdict": lambda one: toned(one.verdict),
        "difference": lambda one: value(one.difference.estimate),
        "around zero": lambda one: around_zero(one.difference),
        "95 % interval": lambda one: interval(one.difference),
        "share better": lambda one: percent(one.improved.estimate),
        "items": lambda one: f"{count(one.items)}{f' of {count(one.items + one.unshared)}' if one.unshared else ''}",
        "p": lambda one: value(one.p_value, 2),
    }
    texts = {"baseline", "metric", "category", "verdict", "around zero"}
    caption = _first("rows", len(found), _MOST_ITEMS)
    return table_of(found[:_MOST_ITEMS], columns, texts=texts, sparse={"category"}, caption=caption)


def settings_table(settings: SettingsEffect) -> Table:
    """Tabulate the effect of each setting on the outcome."""
    columns: dict[str, Callable[[SettingInfluence], Cell]] = {
        "setting": lambda one: one.name,
        "has an effect": lambda one: Toned("yes", "good") if one.matters else Toned("not shown", "quiet"),
        "variance explained": lambda one: percent(max(0.0, one.share)),
        "best at": lambda one: _setting(one.best),
        "worst at": lambda one: _setting(one.worst),
        "difference": lambda one: value(one.difference.estimate),
        "95 % interval": lambda one: interval(one.difference),
        "p": lambda one: value(one.p_value, 2),
        "p (all settings)": lambda one: value(one.adjusted_p, 2),
    }
    texts = {"has an effect", "best at", "worst at"}
    caption = _first("settings", len(settings.influences), _MOST_SETTINGS)
    return table_of(settings.influences[:_MOST_SETTINGS], columns, texts=texts, caption=caption)


def divergence_table(parts: Divergence) -> Table:
    """Tabulate the settings that differ between two runs."""
    shown = list(parts.differences.items())[:_MOST_SETTINGS]
    rows = tuple((name, *map(_setting, values)) for name, values in shown)
    caption = _first("settings", len(parts.differences), _MOST_SETTINGS)
    return Table(("setting", "first run", "second run"), rows, texts=(0, 1, 2), caption=caption)


def runs_table(found: Comparison) -> Table:
    """Tabulate the runs. If there are too many, runs that do not simply count come first."""
    every = list(found.runs)
    if len(every) > MOST_RUNS:
        every.sort(key=lambda one: one.standing == "counted")
    several = len(found.horizons) > 1
    columns: dict[str, Callable[[RunOutcome], Cell]] = {
        "run": lambda one: one.run,
        "group": lambda one: cut(one.group),
        "environment": lambda one: (several and one.task) or ABSENT,
        "seed": lambda one: ABSENT if one.seed is None else _setting(one.seed),
        "status": lambda one: one.status,
        "counted as": lambda one: toned(one.standing),
        "reached": lambda one: value(one.reached),
        "values": lambda one: count(one.values),
        "non-finite": lambda one: flagged(one.not_finite, "bad"),
        "final": lambda one: value(one.outcomes.get("final")),
        "area": lambda one: value(one.outcomes.get("area")),
        "best": lambda one: value(one.outcomes.get("best")),
        "steps to target": lambda one: value(one.steps_to_target),
        "reason": lambda one: one.reason or Toned(ABSENT, "quiet"),
    }
    return table_of(
        every[:MOST_RUNS],
        columns,
        texts={"group", "environment", "seed", "status", "counted as", "reason"},
        sparse={"environment", "non-finite", "reason", *(["steps to target"] if found.target is None else [])},
        caption=f"{counted(len(every), 'run')}{_more(len(every), MOST_RUNS)}",
        folded=len(every) > _SCREEN,
    )


def _name(versus: Versus, found: Comparison) -> str:
    """Name a comparison, with its environment if there are several."""
    several = len(found.horizons) > 1
    where = f" on {versus.task or 'all shared environments'}" if several and versus.verdict != "not comparable" else ""
    return f"{cut(versus.group, _LONGEST_NAME)} vs. {cut(versus.baseline, _LONGEST_NAME)}{where}"


def _setting(setting: Any) -> str:
    """Format the value of a setting, or the values within a group."""
    if isinstance(setting, list):
        return cut(", ".join(map(_setting, setting)), _LONGEST)
    if setting is None:
        return UNKNOWN
    return number(setting, 6) if isinstance(setting, float) else cut(setting_text(setting), _LONGEST)


def _more(many: int, most: int) -> str:
    return f"; {count(many - most)} more not listed" if many > most else ""


def _first(what: str, many: int, most: int) -> str:
    return f"The first {count(most)} of {count(many)} {what}" if many > most else ""
