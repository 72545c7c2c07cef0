"""Runs side by side: their headers, and the settings in which they differ."""

from collections.abc import Sequence
from typing import Any

from rlvitals.comparison.experiments import VERSIONS, facts_of
from rlvitals.dashboard.run_details import settings_as_texts
from rlvitals.dashboard.run_header import RunHeader
from rlvitals.dashboard.watched_run import WatchedRun


def side_by_side(runs: Sequence[WatchedRun], headers: Sequence[RunHeader]) -> dict[str, Any]:
    """Put runs side by side.

    Args:
        runs: The runs.
        headers: Their headers.

    Returns:
        `runs` (the headers), `settings` (each with the text that each run has, `None` where it has none, and whether
        it `differs`), and the `fields` of each stream that at least one has.
    """
    texts = [{**_facts(run), **dict(settings_as_texts(run.header.configuration))} for run in runs]
    rows = {name: [one.get(name) for one in texts] for name in dict.fromkeys(name for one in texts for name in one)}
    fields: dict[str, dict[str, None]] = {}
    for header in headers:
        for stream, columns in header.fields.items():
            fields.setdefault(stream, {}).update(dict.fromkeys(columns))
    return {
        "runs": list(headers),
        "settings": [
            {"name": name, "values": values, "differs": len(set(values)) > 1} for name, values in rows.items()
        ],
        "fields": {stream: list(names) for stream, names in fields.items()},
    }


def _facts(run: WatchedRun) -> dict[str, str]:
    """Commit and Python version, which tell two runs of one configuration apart."""
    facts = facts_of(run.header.reproduction)
    return {name: str(value) for name, value in facts if not name.startswith(VERSIONS)}
