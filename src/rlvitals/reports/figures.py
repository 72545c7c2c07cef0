"""Charts by matplotlib, for print: a PDF of pages, one sheet as PNG, single figures beside a Markdown report."""

import contextlib
import io
import textwrap
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle

from rlvitals.diagnosis import Finding
from rlvitals.escaping import clean
from rlvitals.reports.charts import GROUPS, Chart, Curve, Estimates, Heat, Strips, height_axis, place_axis
from rlvitals.reports.courses import numbered
from rlvitals.reports.document import Block, Charts, Document, Findings, Points, Statement, Statements, finding_facts
from rlvitals.reports.pen import tick_text
from rlvitals.words import count, percent

_BLUE, _ORANGE, _VIOLET, _GREEN, _RED, _AMBER, _SOFT = (
    "#1f66d1", "#b45309", "#7c4dbd", "#12805c", "#c0263d", "#a15c00", "#5b6674",
)  # fmt: skip
_LINES: dict[str, dict[str, Any]] = {
    "main": {"color": _BLUE, "linewidth": 1.4},
    "raw": {"color": _BLUE, "linewidth": 0.4, "alpha": 0.35},
    "other": {"color": _ORANGE, "linewidth": 1.2},
    "quiet": {"color": _VIOLET, "linewidth": 1.0},
    **{
        kind: {"color": colour, "linewidth": 1.4, "linestyle": dashes}
        for kind, colour, dashes in zip(
            GROUPS,
            (_BLUE, _ORANGE, _VIOLET, "#0f766e"),
            ("-", "--", "-.", (0, (5, 1.5))),
            strict=True,
        )
    },
}
_TONES = {"good": _GREEN, "watch": _AMBER, "bad": _RED}
_SEVERITIES = {"critical": _RED, "warning": _AMBER}
_A4 = (8.27, 11.69)
_MARGINS = (0.05, 0.04, 0.9, 0.93)
"""Left, bottom, width and height of what is printed, in shares of the page."""
_A_PAGE = 8
_COLUMNS = 2
_LETTERS = 92
_LINES_A_PAGE = 62


def pdf(document: Document) -> bytes:
    """A report in print: the verdict and the findings, then the curves, eight a page.

    Args:
        document: The report.
    """
    buffer = io.BytesIO()
    # Without a date of making, the same report gives the same bytes.
    with (
        _quiet(),
        PdfPages(buffer, metadata={"Title": document.title, "Creator": "rlvitals", "CreationDate": None}) as pages,
    ):
        for figure in (*_front(document), *_sheets(document)):
            pages.savefig(figure)
    return buffer.getvalue()


def png(document: Document) -> bytes:
    """All curves of a report on one sheet.

    Args:
        document: The report.
    """
    charts = charts_of(document)
    rows = max(1, -(-len(charts) // _COLUMNS))
    figure = Figure(figsize=(10, 1.2 + 2.4 * rows), layout="constrained")
    verdict = document.verdict
    score = _score(document)
    figure.suptitle(_safe(f"{document.title}   {document.status}   {verdict.title}{score}"), fontsize=12, weight="bold")
    for place, chart in enumerate(charts):
        draw(chart, figure.add_subplot(rows, _COLUMNS, place + 1))
    return _saved(figure, "png")


def figure_png(chart: Chart) -> bytes:
    """One chart as a picture.

    Args:
        chart: The chart.
    """
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    draw(chart, figure.add_subplot())
    return _saved(figure, "png")


def figure_pdf(chart: Chart) -> bytes:
    """One chart as a page.

    Args:
        chart: The chart.
    """
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    draw(chart, figure.add_subplot())
    return _saved(figure, "pdf")


def charts_of(document: Document) -> list[Chart]:
    """Every chart of a report, in its order."""
    blocks = [block for section in document.sections for block in section.blocks]
    return [chart for block in blocks if isinstance(block, Charts) for chart in block.charts]


def draw(chart: Chart, axes: Axes) -> None:
    """Draw a chart.

    Args:
        chart: The chart.
        axes: Where to.
    """
    axes.set_title(_safe(chart.title), fontsize=9, weight="bold", loc="left", pad=9)
    axes.tick_params(labelsize=7, colors=_SOFT)
    axes.grid(visible=True, color="#d9dee5", linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    match chart:
        case Curve():
            _curve(chart, axes)
        case Estimates():
            _estimates(chart, axes)
        case Strips():
            _strips(chart, axes)
        case Heat():
            _heat(chart, axes)


def _heat(chart: Heat, axes: Axes) -> None:
    """Shades from the least to the greatest, with their key; what was not tried is hatched."""
    rows, columns = chart.means.shape
    axes.grid(visible=False)
    axes.add_patch(
        Rectangle((-0.5, -0.5), columns, rows, fill=False, hatch="/////", edgecolor=_SOFT, linewidth=0, zorder=0)
    )
    image = axes.imshow(chart.means, origin="lower", aspect="auto", cmap="Blues", zorder=1)
    axes.set_xticks(range(columns), [_safe(name)[:10] for name in chart.columns])
    axes.set_yticks(range(rows), [_safe(name)[:10] for name in chart.rows])
    axes.set_xlabel(_safe(chart.x) + ("" if chart.counts.all() else "   (hatched: not tried)"), fontsize=7)
    axes.set_ylabel(_safe(chart.y), fontsize=7)
    if np.isfinite(chart.means).any():
        axes.figure.colorbar(image, ax=axes).ax.tick_params(labelsize=6, colors=_SOFT)


def _curve(chart: Curve, axes: Axes) -> None:
    over, above, below = height_axis(chart)
    along = place_axis(chart)
    if chart.healthy is not None:
        low, high = (edge if edge is not None else far for edge, far in zip(chart.healthy, over[:2], strict=True))
        axes.axhspan(max(low, over.low), min(high, over.high), color=_GREEN, alpha=0.08, linewidth=0)
    for band in chart.bands:
        colour = _LINES.get(band.kind, _LINES["main"])["color"]
        axes.fill_between(band.x, band.low, band.high, color=colour, alpha=0.15, linewidth=0)
    for line in chart.lines:
        finite = np.where(np.isfinite(line.y), line.y, np.nan)
        label = _safe(line.label)[:40] if line.kind in GROUPS else None
        axes.plot(line.x, finite, marker="o" if line.dots else "", markersize=3, label=label, **_LINES[line.kind])
    if any(line.kind in GROUPS for line in chart.lines):
        axes.legend(fontsize=6.5, frameon=False)
    _below(chart, axes)
    for bad in chart.bad:
        height = over.low if bad.kind == "negative" else over.high
        axes.plot(bad.x, np.full(bad.x.size, height), "|", color=_RED, markersize=7, clip_on=False)
    for level in chart.levels:
        axes.axhline(level.y, color=_ORANGE if level.kind == "baseline" else _SOFT, linestyle="--", linewidth=0.9)
        axes.annotate(_safe(level.label), (along.high, level.y), fontsize=6.5, ha="right", va="bottom", color=_SOFT)
    for mark in chart.marks:
        colour = _SEVERITIES.get(mark.severity, _SOFT)
        axes.axvline(mark.x, color=colour, linestyle=":", linewidth=1)
        axes.annotate(
            mark.label, (mark.x, over.high), fontsize=6.5, color="white", ha="center", annotation_clip=False,
            bbox={"boxstyle": "circle,pad=0.25", "color": colour},
        )  # fmt: skip
    axes.set_xlim(along.low, along.high)
    axes.set_ylim(over.low, over.high)
    axes.set_xticks(along.ticks, [tick_text(tick, along) for tick in along.ticks])
    axes.set_yticks(over.ticks, [tick_text(tick, over) for tick in over.ticks])
    beyond = [f"{many:,} {where}" for many, where in ((above, "above"), (below, "below")) if many]
    notes = [chart.note, f"not shown: {', '.join(beyond)}" if beyond else ""]
    axes.set_xlabel(_safe(chart.clock), fontsize=7, color=_SOFT, loc="right")
    axes.set_title(_safe(", ".join(filter(None, notes))), fontsize=6.5, color=_RED, loc="right")


def _below(chart: Curve, axes: Axes) -> None:
    """How many runs stand behind each line, as steps in the lowest fifth, on a scale of their own."""
    if not chart.below:
        return
    runs = axes.twinx()
    most = max((float(line.y.max()) for line in chart.below if line.y.size), default=1.0) or 1.0
    for line in chart.below:
        runs.step(line.x, line.y, color=_LINES[line.kind]["color"], linewidth=0.7, alpha=0.6)
    runs.set_ylim(0.0, 6.0 * most)
    runs.set_yticks([0.0, most], ["0", f"{most:.0f} runs"], fontsize=6, color=_SOFT)
    for side in runs.spines.values():
        side.set_visible(False)


def _strips(chart: Strips, axes: Axes) -> None:
    for place, row in enumerate(chart.rows):
        colour = _LINES[row.kind]["color"]
        mean, low, high = row.mean
        if low is not None and high is not None:
            axes.plot([low, high], [place, place], color=colour, alpha=0.2, linewidth=7, solid_capstyle="butt")
        if mean is not None:
            axes.plot([mean], [place], "|", color=colour, markersize=13)
        axes.plot(row.values, np.full(len(row.values), place), "o", color=colour, markersize=3.5, alpha=0.6)
        if row.lost:
            axes.plot([1.0 if chart.worst_is_high else 0.0], [place], "x", color=_RED, markersize=5, clip_on=False,
                      transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_yticks(range(len(chart.rows)), [_safe(f"{row.label}  {row.text}")[:44] for row in chart.rows])
    axes.set_ylim(len(chart.rows) - 0.5, -0.5)
    axes.set_xlabel(_safe(chart.axis), fontsize=7, color=_SOFT, loc="right")


def _estimates(chart: Estimates, axes: Axes) -> None:
    for place, row in enumerate(chart.rows):
        if row.low is not None and row.high is not None:
            axes.plot(
                [row.low, row.high],
                [place, place],
                color=_TONES.get(row.tone, _BLUE),
                alpha=0.35,
                linewidth=4,
                solid_capstyle="round",
            )
        if row.value is not None:
            axes.plot([row.value], [place], "o", color=_TONES.get(row.tone, _BLUE), markersize=4)
    axes.set_yticks(range(len(chart.rows)), [_safe(row.label)[:28] for row in chart.rows])
    axes.set_ylim(len(chart.rows) - 0.5, -0.5)
    if chart.limits is not None:
        axes.set_xlim(*chart.limits)
    if chart.zero is not None:
        axes.axvline(chart.zero, color=_SOFT, linewidth=0.9)
    if chart.share:
        axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")


def _front(document: Document) -> Iterator[Figure]:
    """The first pages: all that is said in words."""
    lines = list(_words(document))
    for page in _pages(lines):
        figure = Figure(figsize=_A4)
        y = 0.955
        for text, size, weight, colour in page:
            figure.text(0.08, y, _safe(text), fontsize=size, weight=weight, color=colour, va="top")
            y -= 0.0135 * size / 9
        yield figure


def _pages(lines: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (lines[start : start + _LINES_A_PAGE] for start in range(0, len(lines), _LINES_A_PAGE))


def _words(document: Document) -> Iterator[tuple[str, float, str, str]]:
    verdict = document.verdict
    yield document.kind, 9, "normal", _SOFT
    for line in textwrap.wrap(document.title, int(_LETTERS * 10 / 17)) or [""]:
        yield line, 17, "bold", "black"
    yield "", 9, "normal", "black"
    tone = _TONES.get(verdict.tone, _BLUE)
    score = _score(document)
    for line in textwrap.wrap(f"{document.status}: {verdict.title}{score}", int(_LETTERS * 10 / 13)):
        yield line, 13, "bold", tone
    for line in verdict.text.split("\n"):
        yield from _wrapped(line, 10, "black")
    yield "", 9, "normal", "black"
    for name, value, note in document.key_facts:
        yield f"{name}: {value}   ({note})", 10, "normal", "black"
    for section in document.sections:
        for block in section.blocks:
            yield from _block_words(block)
    yield "", 9, "normal", "black"
    yield from _wrapped(document.foot, 8, _SOFT)


def _block_words(block: Block) -> Iterator[tuple[str, float, str, str]]:
    """What is printed of a block beside its charts: conclusions, and findings."""
    match block:
        case Statements():
            yield from (line for one in block.statements for line in _statement(one))
        case Points():
            yield "", 9, "normal", "black"
            for text in block.texts:
                yield from _wrapped(text, 9.5, "black")
        case Findings():
            for label, finding in numbered(block.findings):
                yield from _finding(label, finding)
        case _:
            return


def _finding(label: str, finding: Finding) -> Iterator[tuple[str, float, str, str]]:
    since = "from the start" if finding.since_step is None else f"since step {count(finding.since_step)}"
    yield "", 9, "normal", "black"
    yield f"{label}  {finding.title}", 11, "bold", _SEVERITIES.get(finding.severity, _SOFT)
    yield f"{finding.severity}, {since}, {percent(finding.confidence)} sure, {finding.code}", 8, "normal", _SOFT
    yield from _wrapped(finding.cause, 9.5, "black")
    for name, said in finding_facts(finding):
        if said:
            yield from _wrapped(f"{name}: {said}", 8.5, "#333333")


def _statement(statement: Statement) -> Iterator[tuple[str, float, str, str]]:
    yield "", 9, "normal", "black"
    for line in textwrap.wrap(f"{statement.title}: {statement.word}", int(_LETTERS * 10 / 11)):
        yield line, 11, "bold", _TONES.get(statement.tone, _BLUE)
    for sentence in statement.sentences:
        yield from _wrapped(sentence, 9.5, "black")


def _wrapped(text: str, size: float, colour: str) -> Iterator[tuple[str, float, str, str]]:
    for line in textwrap.wrap(text, int(_LETTERS * 10 / size)):
        yield line, size, "normal", colour


def _sheets(document: Document) -> Iterator[Figure]:
    charts = charts_of(document)
    for start in range(0, len(charts), _A_PAGE):
        figure = Figure(figsize=_A4, layout=ConstrainedLayoutEngine(rect=_MARGINS))
        figure.suptitle(_safe(document.title), fontsize=9, color=_SOFT)
        for place, chart in enumerate(charts[start : start + _A_PAGE]):
            draw(chart, figure.add_subplot(_A_PAGE // _COLUMNS, _COLUMNS, place + 1))
        yield figure


def _saved(figure: Figure, form: str) -> bytes:
    buffer = io.BytesIO()
    with _quiet():
        figure.savefig(buffer, format=form, dpi=150)
    return buffer.getvalue()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings of letters that the font lacks, or of the largest floats, which are drawn at the edge."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _safe(text: str) -> str:
    """A text as it is: matplotlib takes what stands between dollars for mathematics, and knows no control marks."""
    return clean(text).replace("$", r"\$")


def _score(document: Document) -> str:
    health = document.health
    if health is None:
        return ""
    return "   health not judged" if health.score is None else f"   health {health.score} of 100"
