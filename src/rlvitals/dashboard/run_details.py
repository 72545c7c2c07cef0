"""Details on the page of a run: configuration, events, evaluations, pictures, episodes by group."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from rlvitals.dashboard.query_params import RowRange
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.diagnosis.baseline_comparisons import named_lower
from rlvitals.diagnosis.finding_events import FINDING
from rlvitals.records import Evaluation, Event
from rlvitals.runs.answer import Column
from rlvitals.runs.artifacts import IMAGE, artifact
from rlvitals.sinks.flattening import flat_settings, setting_text
from rlvitals.summary.baselines import against_baselines
from rlvitals.summary.objective_columns import read_custom_objectives
from rlvitals.summary.successes import GROUP_MEANS, as_floats, group_rates

MOST_SETTINGS = 2_000
MOST_TEXT = 4_000
MOST_PICTURE = 32 << 20
"""Maximum size of a served picture, in bytes."""

_HIDDEN = frozenset({FINDING, IMAGE})


def settings_as_texts(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the entries of a nested mapping as dotted names and texts. Long texts are truncated."""
    for name, value in flat_settings(settings):
        text = setting_text(value)
        yield name, text if len(text) <= MOST_TEXT else f"{text[:MOST_TEXT]}..."


def configuration_of(run: WatchedRun) -> dict[str, Any]:
    """Return the configuration, goals, reproduction data, sessions and failure of a run."""
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
    """Return the last events with their positions, newest first.

    Args:
        run: Run to read.
        kind: Kind of the events; `None` for all kinds except pictures and findings.
        limit: Maximum number of events.
    """
    chosen = [event for event in run.events if (event.kind == kind if kind else event.kind not in _HIDDEN)]
    newest = sorted(chosen[-limit:], key=lambda event: event.time, reverse=True)
    return {"total": len(chosen), "events": [_event(run, event) for event in newest]}


def _event(run: WatchedRun, event: Event) -> dict[str, Any]:
    return {**msgspec.to_builtins(event), "at": run.place(event.env_step, event.time)}


def evaluations_of(run: WatchedRun) -> dict[str, Any]:
    """Return evaluations, baseline evaluations, and the item-by-item comparison of the last evaluation with each."""

    def row(evaluation: Evaluation) -> dict[str, Any]:
        plain: dict[str, Any] = msgspec.to_builtins(evaluation)
        plain.pop("items", None)
        return {**plain, "at": run.place(evaluation.env_step, evaluation.time)}

    lower = named_lower(run.header.configuration)
    last: dict[str, Evaluation] = {one.policy: one for one in run.evaluations if one.policy is not None}
    return {
        "evaluations": [row(one) for one in run.evaluations if one.policy is None],
        "baselines": [row(one) for one in last.values()],
        "compared": run.cached("paired", lambda: against_baselines(run.evaluations, lower_is_better=lower)),
    }


def groups_of(run: WatchedRun, by: str, within: RowRange) -> dict[str, Any]:
    """Group the episodes of a range, largest group first, with intervals of the success rates.

    Args:
        run: Run to read.
        by: Field to group by: `category`, `difficulty` or `termination_reason`.
        within: Range of the episodes.
    """

    def made() -> dict[str, Any]:
        episodes = run.columns["episodes"]
        rows = within.contains(run.positions("episodes", within.clock)[1])
        labels = episodes.cells(by)
        codes = np.where(labels.present, labels.values, -1.0)[: rows.size][rows].astype(np.intp)
        texts = run.label("episodes", by)
        names = {int(code): None if code < 0 else texts[code] for code in np.unique(codes)}
        measured = {name: episodes.numbers(name)[: rows.size][rows] for name in GROUP_MEANS if episodes.has(name)}
        custom = {name: as_floats(column)[rows] for name, column in _custom_objectives(run, rows.size).items()}
        groups = group_rates(names, codes, episodes.numbers("success")[: rows.size][rows], measured, custom)
        return {"by": by, "groups": sorted(groups, key=lambda group: -group.episodes)}

    return run.cached(f"groups by {by}", made) if within.is_open else made()


def _custom_objectives(run: WatchedRun, rows: int) -> dict[str, Column]:
    if run.reward_source:
        return {}
    return read_custom_objectives(run.reader, rows)


def pictures_of(run: WatchedRun) -> list[dict[str, Any]]:
    """Return the logged pictures of a run with their captions, oldest first."""
    found = []
    for event in run.events:
        data = event.data if isinstance(event.data, Mapping) else {}
        name = data.get("file")
        if event.kind == IMAGE and isinstance(name, str):
            found.append({**_event(run, event), "file": name})
    return found


def picture(run: WatchedRun, name: str) -> bytes | None:
    """Return the contents of a picture, or `None` if no artifact has the name or the picture is too large."""
    if not any(logged["file"] == name for logged in pictures_of(run)):
        return None
    return artifact(run.reader, name, MOST_PICTURE)
