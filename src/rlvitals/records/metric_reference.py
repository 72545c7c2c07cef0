"""The metric dictionary as pages: ``python -m rlvitals.records.metric_reference docs/reference/metrics``."""

import sys
from pathlib import Path

from rlvitals.records import kinds
from rlvitals.records.metric import Metric
from rlvitals.records.metrics import METRICS

_OPENING = """\
# Metrics

All numeric fields of the records, by stream. Their titles, units and number formats are the same on pages, in reports
and in terminals.

| stream | record | metrics |
|---|---|---|
"""

_NOTES = """\

A missing field was not reported. NaN and infinities are values and are stored unchanged. The bounds are the numeric
limits of the healthy range. Few limits apply to every environment, so rlvitals compares a run with its own history
first. "90 % of healthy updates" refers to the updates of 37 healthy PPO runs of two implementations in four
environments.
"""


def pages() -> dict[str, str]:
    """Return the pages as Markdown, by file name: `index.md`, and one page per stream."""
    streams = {stream: entries for stream, entries in METRICS.items() if entries}
    titles = {stream: ", ".join(entry.title for entry in entries) for stream, entries in streams.items()}
    rows = [f"| [{name}]({name}.md) | {kinds.STREAMS[name].__name__} | {text} |" for name, text in titles.items()]
    index = _OPENING + "\n".join(rows) + "\n" + _NOTES
    return {"index.md": index} | {f"{stream}.md": _page(stream, entries) for stream, entries in streams.items()}


def _page(stream: str, entries: tuple[Metric, ...]) -> str:
    kind = kinds.STREAMS[stream]
    lines = [f"# Metrics of {stream}", "", f"Record: `{kind.__name__}`. {(kind.__doc__ or '').splitlines()[0]}"]
    for entry in entries:
        better = f" Better: {entry.better}." if entry.better else ""
        lines += ["", f"## `{entry.name}`", "", _cell(entry.formula), ""]
        lines.append(f"- Title: {entry.title}. Unit: {_cell(entry.unit)}.{better}")
        bounds = f" Bounds: {_bounds(entry)}." if (entry.low, entry.high) != (None, None) else ""
        if entry.healthy or bounds:
            lines.append("- " + f"{'Healthy: ' * bool(entry.healthy)}{_cell(entry.healthy)}{bounds}".strip())
        lines.append(f"- Source: {_cell(entry.source)}")
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
    for _name, _text in pages().items():
        Path(sys.argv[1], _name).write_text(_text, encoding="utf-8")
