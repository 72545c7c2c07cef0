"""Notebook output: cards of runs and comparisons as HTML, single figures as SVG."""

from collections.abc import Callable, Iterable
from pathlib import Path

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.comparison import Comparison, Divergence
from rlvitals.documents.charts import Chart
from rlvitals.documents.comparison_report import comparison_document
from rlvitals.documents.document import Charts
from rlvitals.documents.run_curves import curves_of
from rlvitals.documents.run_data import recorded_of, run_data
from rlvitals.documents.run_report import run_document
from rlvitals.errors import ColumnError, ExportError, RlvitalsError
from rlvitals.render import html
from rlvitals.render.png_sheet import png
from rlvitals.render.print_pdf import pdf
from rlvitals.render.report_writer import put
from rlvitals.render.svg import draw
from rlvitals.render.svg_primitives import said
from rlvitals.runs import Run

_SHOWN = ("reward", "quality_final", "quality_improvement", "success", "entropy", "explained_variance", "kl_divergence")
_MOST = 4
_COMPARED = ("concluded", "limits", "groups", "learning")
_WIDTH, _HEIGHT = 720, 300
_SHEET = "<!doctype html><meta charset=utf-8><style>@page{margin:12mm;size:A4 landscape}body{margin:0}</style>"
_FORMS: dict[str, Callable[[str], str | bytes]] = {".svg": str, ".png": png, ".pdf": lambda svg: pdf(_SHEET + svg)}


class Figure:
    """One chart of a run, which a notebook displays and `save` writes to a file.

    Args:
        chart: Chart to draw.
    """

    def __init__(self, chart: Chart) -> None:
        self.chart = chart

    def __repr__(self) -> str:
        return f"<Figure: {self.chart.title}>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def svg(self) -> str:
        """Return the chart as a standalone SVG file that follows the viewer's light or dark preference."""
        return draw(self.chart, width=_WIDTH, height=_HEIGHT, standalone=True)

    def save(self, path: str | Path) -> Path:
        """Write the chart to a file. The extension selects the format: `.svg`, `.png` or `.pdf`.

        Args:
            path: File to write.

        Raises:
            ExportError: The extension is unknown, the file cannot be written, or no browser is available for a PDF.
            MissingExtraError: The path is a PNG and resvg is not installed.
        """
        made = _FORMS.get(Path(path).suffix.lower())
        if made is None:
            raise ExportError(f"{path} is not a figure format: the file name must end with .svg, .png or .pdf")
        return put(Path(path), made(self.svg()))


class ComparisonCard:
    """A comparison, displayed in a notebook as its verdict, conclusions, runs and learning curves.

    Args:
        found: Result of `rlvitals.compare`.
        divergence: Result of `rlvitals.comparison.first_divergence` if two runs are compared.
    """

    def __init__(self, found: Comparison, divergence: Divergence | None = None) -> None:
        self.found = found
        self.divergence = divergence

    def __repr__(self) -> str:
        return f"<ComparisonCard: {len(self.found.runs)} runs in {len(self.found.groups)} groups>"

    def _repr_html_(self) -> str:
        document = comparison_document(self.found, self.divergence, "", 0.0)
        shown = [html.part(section) for section in document.sections if section.key in _COMPARED]
        return _markup([html.head(document), *shown])


def figure_of(run: Run, name: str, *, clock: Clock = SYSTEM_CLOCK) -> Figure:
    """Return a figure of a run.

    Args:
        run: Run to read.
        name: Name of the curve: `reward`, `length`, `success`, `quality_final`, an update metric, `memory`, ...
        clock: Source of the current time.

    Raises:
        ColumnError: The run has no curve of that name.
        RunFormatError: A segment is damaged.
    """
    curves = curves_of(recorded_of(run, clock=clock))
    if name not in curves:
        there = f"available: {', '.join(curves)}" if curves else "no records yet"
        raise ColumnError(f"the run {run.run_id} has no figure {name!r:.100}; {there}")
    return Figure(curves[name])


def card(run: Run, *, clock: Clock = SYSTEM_CLOCK) -> str:
    """Return a run as HTML for a notebook: its verdict, findings and up to four charts.

    If the run cannot be read, the HTML shows the error and nothing is raised.

    Args:
        run: Run to read.
        clock: Source of the current time.
    """
    try:
        data = run_data(run, parameters=False, clock=clock)
    except (RlvitalsError, OSError) as error:
        return f"<pre>{said(error)}</pre>"
    document = run_document(data)
    curves = curves_of(data.recorded)
    chosen = tuple(curves[name] for name in _SHOWN if name in curves)[:_MOST]
    findings = next((section.blocks for section in document.sections if section.key == "findings"), ())
    parts = [html.head(document), *map(html.block, findings[:1]), html.block(Charts(chosen)) if chosen else ""]
    return _markup(parts)


def _markup(parts: Iterable[str]) -> str:
    return f'<div class="rlvitals"><style>{html.PAGE_STYLE}</style><main>{"".join(parts)}</main></div>'
