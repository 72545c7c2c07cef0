"""Runs side by side: what differs in their configuration, and what they came to."""

from collections.abc import Sequence
from typing import Any

from rlvitals.dashboard.run_details import settings_as_texts
from rlvitals.dashboard.run_header import RunHeader
from rlvitals.dashboard.watched_run import WatchedRun

MOST_RUNS = 12


def comparison(runs: Sequence[WatchedRun], heads: Sequence[RunHeader]) -> dict[str, Any]:
    """Hold runs against each other.

    Args:
        runs: The runs.
        heads: Their heads.

    Returns:
        `runs` (the heads), `settings` (each with the text that each run has, `None` where it has none, and whether it
        `differs`), and the `fields` of each stream that at least one has.
    """
    settings = [dict(settings_as_texts(run.header.configuration)) for run in runs]
    facts = [{name: str(value) for name, value in _facts(run).items()} for run in runs]
    said = [{**known, **own} for known, own in zip(facts, settings, strict=True)]
    names = list(dict.fromkeys(name for one in said for name in one))
    fields: dict[str, list[str]] = {}
    for head in heads:
        for stream, columns in head.fields.items():
            fields[stream] = list(dict.fromkeys((*fields.get(stream, ()), *columns)))
    return {
        "runs": list(heads),
        "settings": [
            {
                "name": name,
                "values": [one.get(name) for one in said],
                "differs": len({one.get(name) for one in said}) > 1,
            }
            for name in names
        ],
        "fields": fields,
    }


def _facts(run: WatchedRun) -> dict[str, Any]:
    """What tells two runs of one configuration apart."""
    git = run.header.reproduction.get("git")
    commit = str(git.get("commit"))[:12] if isinstance(git, dict) else None
    dirty = isinstance(git, dict) and bool(git.get("dirty"))
    told = {"git commit": f"{commit}, with uncommitted changes" if dirty else commit}
    told["python"] = run.header.reproduction.get("python")
    return {name: value for name, value in told.items() if value is not None}
