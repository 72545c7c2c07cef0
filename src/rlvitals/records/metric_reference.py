"""The metric dictionary as a page: ``python -m rlvitals.records.metric_reference > docs/metrics.md``."""

import sys

from rlvitals.records import kinds
from rlvitals.records.metric import Metric
from rlvitals.records.metrics import METRICS


def reference() -> str:
    """The dictionary as Markdown."""
    lines = [
        "# Metrics",
        "",
        "Every number in a record, by stream: its title on pages and in reports, its unit, which direction is better",
        "(where one is), how it is computed, and what is healthy. This page is generated from the tables in",
        "`src/rlvitals/records/` by `python -m rlvitals.records.metric_reference > docs/metrics.md`.",
        "",
        "A field that is absent was not said; NaN and the infinities are values, and are kept as they are. The bounds",
        "are those of the healthy range, where it can be said in numbers: few such numbers carry from one environment",
        'to another, so a training is judged against its own history first. "Nine of ten" means the updates of 37',
        "healthy PPO trainings by two implementations in four environments.",
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
    """Keep Markdown from reading a formula's stars and underscores as emphasis."""
    return "".join(f"`{part}`" if place % 2 else _escaped(part) for place, part in enumerate(text.split("`")))


def _escaped(text: str) -> str:
    return text.replace("*", "\\*").replace("_", "\\_").replace("|", "\\|").replace("<", "&lt;")


def _bounds(entry: Metric) -> str:
    if entry.high is None:
        return f"at least {entry.low:g}"
    return f"at most {entry.high:g}" if entry.low is None else f"{entry.low:g} to {entry.high:g}"


if __name__ == "__main__":
    sys.stdout.write(reference())
