"""A run in a notebook: its verdict and four charts as markup, single figures as SVG; a comparison likewise."""

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
    """One chart of a run. A notebook shows it; `save` writes it to a file.

    Args:
        chart: The chart.
    """

    def __init__(self, chart: Chart) -> None:
        self.chart = chart

    def __repr__(self) -> str:
        return f"<Figure: {self.chart.title}>"

    def _repr_svg_(self) -> str:
        return self.svg()

    def svg(self) -> str:
        """The chart as an SVG file of its own, light or dark as is preferred where it is shown."""
        return draw(self.chart, width=_WIDTH, height=_HEIGHT, standalone=True)

    def save(self, path: str | Path) -> Path:
        """Write the chart to a file; the ending says the form: `.svg`, `.png` or `.pdf`.

        Raises:
            ExportError: There is no such form, it cannot be written there, or there is no browser to print a PDF.
            MissingExtraError: A PNG needs resvg, which is not installed.
        """
        made = _FORMS.get(Path(path).suffix.lower())
        if made is None:
            raise ExportError(f"{path} has no figure format: its name must end with .svg, .png or .pdf")
        return put(Path(path), made(self.svg()))


class ComparisonCard:
    """A comparison, for a notebook to show: the verdict, what may be concluded, every run, learning curves.

    Args:
        found: What `rlvitals.compare` found.
        divergence: What `rlvitals.comparison.first_divergence` found, where two runs are compared.
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
    """A figure of a run.

    Args:
        run: The run.
        name: What is drawn: `reward`, `length`, `success`, `quality_final`, a metric of the updates, `memory`, ...
        clock: Tells the time.

    Raises:
        ColumnError: The run has nothing to draw of that name.
        RunFormatError: A segment is damaged.
    """
    curves = curves_of(recorded_of(run, clock=clock))
    if name not in curves:
        there = f"there are {', '.join(curves)}" if curves else "nothing was recorded yet"
        raise ColumnError(f"the run {run.run_id} has no figure {name!r:.100}: {there}")
    return Figure(curves[name])


def card(run: Run, *, clock: Clock = SYSTEM_CLOCK) -> str:
    """A run as markup for a notebook: the verdict, the findings, four charts. It raises nothing for the run's state.

    Args:
        run: The run.
        clock: Tells the time.
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
