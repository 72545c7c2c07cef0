"""Tables of the explored parameters of a run: coverage, effects with intervals, and the best region."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rlvitals.documents.document import Block, Cell, Prose, Table, Toned, table_of
from rlvitals.documents.run_tables import value
from rlvitals.formatting import ABSENT, count, counted, format_any, number, percent
from rlvitals.records.metrics import metric_of

NO_EFFECT = "no effect"
_MOST_EFFECTS = 12
_SMALLEST = 0.001
"""Smallest share that is shown as an upper limit."""


class ParameterRow(NamedTuple):
    """Effect of one parameter on every outcome, over all categories.

    Attributes:
        name: Name of the parameter.
        effects: Effect on each outcome as text, by name of the outcome.
        is_negligible: Whether the parameter is shown to have no effect on any outcome, so that it can be fixed.
        share: Largest share of variance that it explains of any outcome.
    """

    name: str
    effects: dict[str, str]
    is_negligible: bool
    share: float


def exploration_blocks(found: Mapping[str, Any]) -> Iterator[Block]:
    """Tabulate the explored parameters and their effects.

    Args:
        found: Analysis of the parameters (`rlvitals.summary.tried_parameters.exploration_facts`).
    """
    yield Prose(str(found["note"]), "quiet")
    yield _range_table(found)
    yield effect_table(found)
    effects = [(*_about(finding), *row) for finding in found["findings"] for row in _effects(finding["drivers"])]
    titles = ("outcome", "category", "parameter", "shape", "best at", "variance explained", "p")
    yield Table(titles, _without_repeats(effects), texts=(0, 1, 2, 3, 4), caption="Parameters with an effect")
    regions = [
        (*_about(finding), ", ".join(f"{name} {format_any(at)}" for name, at in region["where"].items()),
         number(region["mean"]))
        for finding in found["findings"]
        if (region := finding["region"])["where"] and region["verdict"] == "better"
    ]  # fmt: skip
    of_regions = ("outcome", "category", "region", "mean in it")
    yield Table(of_regions, _without_repeats(regions), texts=(0, 1, 2), caption="Best region of the parameters")
    silent = [
        f"{' of '.join(_about(finding))} ({finding['drivers']['verdict']})"
        for finding in found["findings"]
        if not _effects(finding["drivers"])
    ]
    if silent:
        yield Prose(f"No effect shown on {'; '.join(silent)}.", "quiet")


def effect_table(found: Mapping[str, Any]) -> Table:
    """Tabulate the effect of each parameter on each outcome, the strongest parameter first."""
    rows = parameter_rows(found)
    outcomes = list(dict.fromkeys(name for row in rows for name in row.effects))
    columns: dict[str, Callable[[ParameterRow], Cell]] = {"parameter": lambda row: row.name}
    for outcome in outcomes:
        columns[metric_of("episodes", outcome).title] = _effect_cell(outcome)
    if any(row.is_negligible for row in rows):
        columns["advice"] = lambda row: "fix it and drop it" if row.is_negligible else ABSENT
    caption = "Share of the variance that each parameter explains, alone and in pairs (95 % interval)"
    return table_of(rows, columns, texts=set(columns), caption=caption)


def parameter_rows(found: Mapping[str, Any]) -> list[ParameterRow]:
    """Return the effects of each parameter over all categories, the strongest parameter first.

    Args:
        found: Analysis of the parameters (`rlvitals.summary.tried_parameters.exploration_facts`).
    """
    texts: dict[str, dict[str, str]] = {}
    verdicts: dict[str, list[str]] = {}
    shares: dict[str, float] = {}
    for finding in found["findings"]:
        if finding["category"] is not None:
            continue
        named = _named(finding["drivers"])
        for total in finding["totals"]:
            name, share = total["name"], total["share"]
            texts.setdefault(name, {})[finding["outcome"]] = _effect_text(total, is_named=name in named)
            verdicts.setdefault(name, []).append(total["verdict"])
            shares[name] = max(shares.get(name, 0.0), share if math.isfinite(share) else 0.0)
    rows = [ParameterRow(name, texts[name], set(verdicts[name]) == {"negligible"}, shares[name]) for name in texts]
    return sorted(rows, key=lambda row: -row.share)


def _range_table(found: Mapping[str, Any]) -> Table:
    narrowing = {entry["name"]: entry["verdict"] for entry in found["narrowing"]}
    bounds = {entry["name"]: entry["verdict"] for entry in found["at_bounds"]}
    columns: dict[str, Callable[[Any], Cell]] = {
        "parameter": lambda entry: entry["name"],
        "min": lambda entry: value(_known(entry["low"])),
        "max": lambda entry: value(_known(entry["high"])),
        "covered": lambda entry: percent(entry["occupied"]),
        "values": lambda entry: count(entry["distinct"]),
        "at a bound": lambda entry: _at_bound(bounds.get(entry["name"], ABSENT)),
        "over time": lambda entry: narrowing.get(entry["name"], ABSENT),
    }
    tried = found["combinations"]
    caption = f"{counted(tried['distinct'], 'combination')} in {counted(tried['rows'], found['unit'])}"
    return table_of(found["ranges"], columns, texts={"at a bound", "over time"}, caption=caption)


def _effect_cell(outcome: str) -> Callable[[ParameterRow], Cell]:
    def cell(row: ParameterRow) -> Cell:
        text = row.effects.get(outcome, ABSENT)
        return text if text[:1].isdigit() else Toned(text, "quiet")

    return cell


def _effect_text(total: Mapping[str, Any], *, is_named: bool) -> str:
    low, high = max(0.0, total["low"]), max(0.0, total["high"])
    if total["verdict"] == "not enough data":
        return "not enough data"
    if is_named:
        return f"{percent(max(0.0, total['share']), 2)} ({percent(low, 2)} to {percent(high, 2)})"
    if total["verdict"] == "negligible":
        return f"{NO_EFFECT} (below {percent(max(high, _SMALLEST), 2)})"
    if total["verdict"] == "hardly varied":
        return f"{NO_EFFECT} shown (hardly varied)"
    return f"{NO_EFFECT} shown (up to {percent(high, 2)})"


def _named(drivers: Mapping[str, Any]) -> set[str]:
    """Return the parameters with a significant effect, alone or in a pair."""
    alone = {effect["name"] for effect in drivers["effects"] if effect["drives"]}
    return alone | {
        name for pair in drivers["interactions"] if pair["interacts"] for name in (pair["first"], pair["second"])
    }


def _about(finding: Mapping[str, Any]) -> tuple[str, str]:
    return metric_of("episodes", finding["outcome"]).title, finding["category"] or "all categories"


def _effects(drivers: Mapping[str, Any]) -> list[tuple[Cell, ...]]:
    named = [effect for effect in drivers["effects"] if effect["drives"]][:_MOST_EFFECTS]
    pairs = [pair for pair in drivers["interactions"] if pair["interacts"]][:_MOST_EFFECTS]
    every = [(one["name"], one["shape"], format_any(one["best"]), one) for one in named]
    every += [(f"{p['first']} with {p['second']}", "together", ", ".join(map(format_any, p["best"])), p) for p in pairs]
    return [(name, shape, best, percent(one["share"]), value(one["adjusted_p"], 2)) for name, shape, best, one in every]


def _without_repeats(rows: Sequence[tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """Blank the outcome and the category of a row if they equal those of the row above."""
    above = [(), *rows][: len(rows)]
    return tuple(
        ("" if row[:1] == last[:1] else row[0], "" if row[:2] == last[:2] else row[1], *row[2:])
        for row, last in zip(rows, above, strict=True)
    )


def _at_bound(verdict: str) -> Cell:
    return Toned(verdict, "bad") if verdict.startswith("pinned") else verdict


def _known(bound: float) -> float | None:
    return None if math.isnan(bound) else bound
