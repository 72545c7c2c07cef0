"""The section of a report that compares the agent with the baselines that the run evaluated."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rlvitals.documents.document import Block, Cell, Section, Table, Toned, table_of, toned
from rlvitals.documents.run_tables import around_zero, interval, value
from rlvitals.formatting import ABSENT, count, number, percent
from rlvitals.summary.baseline_verdict import metric_title
from rlvitals.summary.baselines import Paired
from rlvitals.summary.measures import Range
from rlvitals.summary.tones import TONES

_DIGITS = 3


def baseline_section(found: Sequence[Paired], configuration: Mapping[str, Any]) -> Section:
    """Write the section: one row per baseline, and in the full document one row per baseline and metric.

    Args:
        found: Comparisons of the last evaluation with each baseline.
        configuration: Configuration of the run. `metric_titles` has titles for the metrics of the items.
    """
    on = " on the same items" if all(pair.is_paired for pair in found) else ""
    lead = f"Last evaluation of the agent minus that of each baseline{on}, with 95 % intervals."
    if any(not pair.is_comparable for pair in found):
        lead += " Baselines with more attempts per item than the agent come last."
    if not found:
        return Section("baselines", "", "", ())
    overview: tuple[Block, ...] = (baseline_overview(found, configuration),)
    return Section("baselines", "Comparison with baselines", lead, (*overview, baseline_table(found)), overview)


def baseline_overview(found: Iterable[Paired], configuration: Mapping[str, Any]) -> Table:
    """Tabulate the difference from each baseline, the strongest first: one column per metric of the items."""
    by: dict[str, dict[str, Paired]] = {}
    for pair in found:
        by.setdefault(pair.baseline, {})[pair.metric] = pair
    rows = sorted(by.values(), key=_strength)
    metrics = dict.fromkeys(metric for row in rows for metric in row)
    columns: dict[str, Callable[[dict[str, Paired]], Cell]] = {
        "baseline": lambda row: _deciding(row).baseline,
        "attempts": lambda row: ABSENT if _are_single(rows) else count(_deciding(row).attempts),
        "agent is": lambda row: Toned(_deciding(row).verdict, _tone(_deciding(row))),
        **{metric_title(metric, configuration): _difference(metric) for metric in metrics},
        "items": lambda row: count(_deciding(row).items) if _deciding(row).is_paired else ABSENT,
    }
    return table_of(rows, columns, texts={"agent is"}, sparse={"attempts", "items"})


def baseline_table(found: Iterable[Paired]) -> Table:
    """Tabulate every comparison: each difference with its interval, drawn around zero."""
    columns: dict[str, Callable[[Paired], Cell]] = {
        "metric": lambda pair: pair.metric,
        "baseline": lambda pair: pair.baseline,
        "verdict": lambda pair: toned(pair.verdict),
        "difference": lambda pair: value(pair.difference.estimate),
        "around zero": lambda pair: around_zero(pair.difference),
        "95 % interval": lambda pair: interval(pair.difference),
        "better / equal / worse": lambda pair: (
            f"{count(pair.better)} / {count(pair.ties)} / {count(pair.worse)}" if pair.is_paired else ABSENT
        ),
        "items": lambda pair: count(pair.items),
        "p": lambda pair: value(pair.p_value, 2),
    }
    texts = {"baseline", "verdict", "around zero"}
    caption = "Last evaluation compared with baselines, item by item"
    return table_of(found, columns, texts=texts, caption=caption, folded=True)


def _deciding(row: Mapping[str, Paired]) -> Paired:
    """Return the comparison of the first metric, which decides (`baseline_comparisons.METRICS`)."""
    return next(iter(row.values()))


def _are_single(rows: Iterable[Mapping[str, Paired]]) -> bool:
    return all(_deciding(row).attempts == 1 for row in rows)


def _tone(pair: Paired) -> str:
    """Return the tone of a verdict. A baseline with more attempts than the agent decides nothing."""
    return TONES.get(pair.verdict, "") if pair.is_comparable else "quiet"


def _strength(row: Mapping[str, Paired]) -> tuple[bool, float]:
    pair = _deciding(row)
    gain = pair.difference.estimate or 0.0
    return not pair.is_comparable, -gain if pair.is_lower_better else gain


def _difference(metric: str) -> Callable[[Mapping[str, Paired]], Cell]:
    """Return the function that formats a difference: a relative one where lower is better and values are positive."""

    def cell(row: Mapping[str, Paired]) -> Cell:
        pair = row.get(metric)
        if pair is None:
            return Toned(ABSENT, "quiet")
        tone = _tone(pair)
        if pair.is_lower_better and pair.ratio.estimate is not None:
            return Toned(_with_interval(pair.ratio, _change), tone)
        return Toned(_with_interval(pair.difference, _signed), tone)

    return cell


def _change(ratio: float) -> str:
    return f"{'+' if ratio > 1.0 else ''}{percent(ratio - 1.0)}"


def _signed(difference: float) -> str:
    return f"{'+' if difference > 0.0 else ''}{number(difference, _DIGITS)}"


def _with_interval(found: Range, text: Callable[[float], str]) -> str:
    if found.estimate is None:
        return ABSENT
    ends = "" if found.low is None or found.high is None else f" ({text(found.low)} to {text(found.high)})"
    return f"{text(found.estimate)}{ends}"
