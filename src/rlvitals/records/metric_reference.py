"""Metric dictionary as a Markdown page: ``python -m rlvitals.records.metric_reference > docs/metrics.md``."""

import sys

from rlvitals.records import kinds
from rlvitals.records.metric import Metric
from rlvitals.records.metrics import METRICS


def reference() -> str:
    """Return the metric dictionary as Markdown."""
    lines = [
        "# Metrics",
        "",
        "All numeric fields of the records, by stream: title on pages and in reports, unit, better direction (if there",
        "is one), formula, and healthy values. This page is generated from the tables in",
        "`src/rlvitals/records/` by `python -m rlvitals.records.metric_reference > docs/metrics.md`.",
        "",
        "An absent field was not reported. NaN and infinities are values and are stored unchanged. Bounds are the",
        "numeric limits of the healthy range. Few limits apply to every environment, so rlvitals compares a run with",
        'its own history first. "90 % of healthy updates" refers to the updates of 37 healthy PPO runs of two',
        "implementations in four environments.",
    ]
    for stream, entries in METRICS.items():
        kind = kinds.STREAMS[stream]
        lines += ["", f"## `{stream}`: {kind.__name__}", "", (kind.__doc__ or "").splitlines()[0]]
        for entry in entries:
            lines += ["", f"### `{stream}.{entry.name}`", "", _cell(entry.formula), ""]
            lines += [f"- Title: {entry.title}", f"- Unit: {_cell(entry.unit)}"]
            lines += [f"- Better: {entry.better}"] if entry.better else []
            lines += [f"- Healthy: {_cell(entry.healthy)}"] if entry.healthy else []
            lines += [f"- Bounds: {_bounds(entry)}"] if (entry.low, entry.high) != (None, None) else []
            lines += [f"- Source: {_cell(entry.source)}"]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    """Escape characters that Markdown would read as emphasis, except inside backticks."""
    return "".join(f"`{part}`" if place % 2 else _escaped(part) for place, part in enumerate(text.split("`")))


def _escaped(text: str) -> str:
    return text.replace("*", "\\*").replace("_", "\\_").replace("|", "\\|").replace("<", "&lt;")


def _bounds(entry: Metric) -> str:
    if entry.high is None:
        return f"at least {entry.low:g}"
    return f"at most {entry.high:g}" if entry.low is None else f"{entry.low:g} to {entry.high:g}"


if __name__ == "__main__":
    sys.stdout.write(reference())
