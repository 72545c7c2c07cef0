"""What the quieter parts of a run's page show: configuration, events, evaluations, pictures, episodes by kind."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from rlvitals.dashboard.curve_series import plain_numbers
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.records import Evaluation, Event
from rlvitals.runs.artifacts import IMAGE, artifact
from rlvitals.sinks.flattening import flat_settings, setting_text
from rlvitals.stats.series.intervals import rate_interval
from rlvitals.summary.baselines import Paired, against_baselines, named_lower
from rlvitals.summary.measures import as_range

MOST_SETTINGS = 2_000
MOST_TEXT = 4_000
MOST_PICTURE = 32 << 20
"""Bytes of a picture that is served."""

_GROUP_NUMBERS = ("reward", "quality_final", "quality_improvement", "length")
_HIDDEN = frozenset({"finding", IMAGE})


def settings_as_texts(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The entries of a nested mapping: dotted names and texts, long ones cut."""
    for name, value in flat_settings(settings):
        text = setting_text(value)
        yield name, text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}..."


def configuration_of(run: WatchedRun) -> dict[str, Any]:
    """What a run was started with, and what reproduces it."""
    header = run.header
    settings = list(settings_as_texts(header.configuration))
    facts = {name: value for name, value in header.reproduction.items() if name != "packages" and value is not None}
    packages = header.reproduction.get("packages")
    return {
        "configuration": settings[:MOST_SETTINGS],
        "left_out": max(0, len(settings) - MOST_SETTINGS),
        "goals": dict(header.goals),
        "reproduction": list(settings_as_texts(facts)),
        "packages": list(settings_as_texts(packages)) if isinstance(packages, Mapping) else [],
        "writers": msgspec.to_builtins(header.writers),
        "failure": msgspec.to_builtins(header.failure),
    }


def events_of(run: WatchedRun, kind: str | None, limit: int) -> dict[str, Any]:
    """The last events, newest first, each with its places on the clocks; pictures and findings only where asked for."""
    chosen = [event for event in run.events if (event.kind == kind if kind else event.kind not in _HIDDEN)]
    newest = sorted(chosen[-limit:], key=lambda event: event.time, reverse=True)
    return {"total": len(chosen), "events": [_event(run, event) for event in newest]}


def _event(run: WatchedRun, event: Event) -> dict[str, Any]:
    return {**msgspec.to_builtins(event), "at": run.place(event.env_step, event.time)}


def evaluations_of(run: WatchedRun) -> dict[str, Any]:
    """The evaluations, those of baselines apart, and the last of the agent held against each, item by item."""

    def row(evaluation: Evaluation) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(evaluation)
        plain.pop("items", None)
        return {**plain, "at": run.place(evaluation.env_step, evaluation.time)}

    last: dict[str, Evaluation] = {one.policy: one for one in run.evaluations if one.policy is not None}
    return {
        "evaluations": [row(one) for one in run.evaluations if one.policy is None],
        "baselines": [row(one) for one in last.values()],
        "compared": run.kept("paired", lambda: _compared(run)),
    }


def _compared(run: WatchedRun) -> list[Paired]:
    return against_baselines(run.evaluations, lower_is_better=named_lower(run.header.configuration))


def groups_of(run: WatchedRun, by: str, first: float | None, last: float | None, clock: str) -> dict[str, Any]:
    """Episodes by what they have in common: how many, and how they went, with intervals of the success rate.

    Args:
        run: The run.
        by: `category`, `difficulty` or `termination_reason`.
        first: Where the range begins, on the clock.
        last: Where it ends.
        clock: The clock.
    """
    if first is None and last is None:
        found: dict[str, Any] = run.kept(f"groups by {by}", lambda: _groups(run, by, None, None, clock))
        return found
    return _groups(run, by, first, last, clock)


def _groups(run: WatchedRun, by: str, first: float | None, last: float | None, clock: str) -> dict[str, Any]:
    episodes = run.columns["episodes"]
    near = _rows_in(run.positions("episodes", clock)[1], first, last)
    labels = episodes.cells(by)
    codes = np.where(labels.present, labels.values, -1.0)[near]
    success = episodes.numbers("success")[near]
    numbers = {name: episodes.numbers(name)[near] for name in _GROUP_NUMBERS if episodes.has(name)}
    groups: list[dict[str, Any]] = []
    for code in np.unique(codes):
        rows = codes == code
        said = success[rows]
        means = {name: _mean(values[rows]) for name, values in numbers.items()}
        groups.append(
            {
                "name": None if code < 0 else run.label("episodes", by)[int(code)],
                "episodes": int(rows.sum()),
                "reported": int(np.count_nonzero(np.isfinite(said))),
                "success": as_range(rate_interval(said, independent=True)) if np.isfinite(said).any() else None,
                **means,
            }
        )
    groups.sort(key=lambda group: -group["episodes"])
    return {"by": by, "groups": groups}


def _rows_in(places: Any, first: float | None, last: float | None) -> Any:
    """The rows in a range, as a slice where that is all of them."""
    if first is None and last is None:
        return slice(None)
    return np.flatnonzero(
        (places >= (-np.inf if first is None else first)) & (places <= (np.inf if last is None else last))
    )


def pictures_of(run: WatchedRun) -> list[dict[str, Any]]:
    """The pictures that a run logged, oldest first, with what was said of them."""
    found = []
    for event in run.events:
        data = event.data if isinstance(event.data, Mapping) else {}
        name = data.get("file")
        if event.kind == IMAGE and isinstance(name, str):
            found.append({**_event(run, event), "file": name})
    return found


def picture(run: WatchedRun, name: str) -> bytes | None:
    """Read a picture; `None` if the run has none of that name inside of its artifacts, or it is too large."""
    if not any(logged["file"] == name for logged in pictures_of(run)):
        return None
    return artifact(run.reader, name, MOST_PICTURE)


def table_csv(names: Iterable[str], columns: Iterable[list[Any]]) -> Iterator[str]:
    """Columns as rows of CSV; what is absent is an empty cell."""
    yield ",".join(names) + "\n"
    for row in zip(*columns, strict=True):
        yield ",".join("" if value is None else str(value) for value in row) + "\n"


def _mean(values: Any) -> Any:
    said = values[~np.isnan(values)]
    return plain_numbers(np.asarray([said.mean()]))[0] if said.size else None
