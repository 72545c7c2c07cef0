"""Side-by-side view of runs: their headers and the differences in their settings."""

from collections.abc import Sequence
from typing import Any

from rlvitals.comparison.experiments import VERSIONS, facts_of
from rlvitals.dashboard.run_details import settings_as_texts
from rlvitals.dashboard.run_header import RunHeader
from rlvitals.dashboard.watched_run import WatchedRun


def side_by_side(runs: Sequence[WatchedRun], headers: Sequence[RunHeader]) -> dict[str, Any]:
    """Return a side-by-side view of runs.

    Args:
        runs: Runs to show.
        headers: Headers of the runs, in the same order.

    Returns:
        Dictionary with the headers (`runs`), the `settings`, and the `fields` of each stream that at least one run
        has. Each setting has the text of each run, `None` if it is missing, and whether it `differs`.
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
    """Return the commit and the Python version, which can differ between runs of one configuration."""
    facts = facts_of(run.header.reproduction)
    return {name: str(value) for name, value in facts if not name.startswith(VERSIONS)}
