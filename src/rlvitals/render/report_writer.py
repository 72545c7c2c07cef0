"""Writing a report: the path's ending says the form; it is written aside, and put in its place when it is whole."""

import logging
from collections.abc import Callable
from pathlib import Path

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.comparison import Comparison, Divergence
from rlvitals.documents.charts import Chart
from rlvitals.documents.comparison_report import comparison_document
from rlvitals.documents.digest import digest_of
from rlvitals.documents.document import Document
from rlvitals.documents.run_data import run_data
from rlvitals.documents.run_report import run_document
from rlvitals.errors import ExportError, RlvitalsError
from rlvitals.files.regular_files import replace_file
from rlvitals.render import html, markdown
from rlvitals.render.png_sheet import check_png, png, sheet
from rlvitals.render.print_pdf import find_browser, pdf
from rlvitals.render.svg import draw
from rlvitals.runs import Run
from rlvitals.runs.artifacts import own_artifacts

_log = logging.getLogger("rlvitals")

REPORT = "report.html"
"""What a report is called among a run's artifacts, where nobody says another path."""

PAGES = (".html", ".htm")
"""The endings of pages."""

_SHEET = ".png"

_FORMS: dict[str, Callable[[Document], str | bytes]] = {
    **dict.fromkeys(PAGES, html.page),
    ".md": markdown.text,
    ".pdf": lambda document: pdf(html.page(document)),
    _SHEET: lambda document: png(sheet(document)),
}
ENDINGS = tuple(_FORMS)
"""What a report can be: a page, Markdown, pages for print, one sheet of figures."""

_CHECKS: dict[str, Callable[[], object]] = {".pdf": find_browser, _SHEET: check_png}
"""What is made sure of before anything is read."""


def write_report(
    run: Run,
    path: str | Path | None = None,
    *,
    parameters: bool | None = None,
    figures: bool = True,
    clock: Clock = SYSTEM_CLOCK,
) -> Path:
    """Write the report of a run, live or finished. What is at the path is replaced.

    Args:
        run: The run.
        path: Where to; the ending says the form: `.html`, `.md`, `.pdf` or `.png`. By default `artifacts/report.html`
            in the run's own folder.
        parameters: Whether the parameters that were tried are looked into; by default if that takes a moment only.
        figures: Whether Markdown has its curves as SVG files in a folder next to it; else they are lines of text.
        clock: Tells the time.

    Returns:
        The path.

    Raises:
        ExportError: It cannot be written there, there is no such form, or there is no browser to print a PDF.
        MissingExtraError: A PNG needs resvg, which is not installed.
        RunFormatError: The run is damaged.
    """
    target = own_artifacts(run) / REPORT if path is None else Path(path)
    check_form(target)
    return _write(run_document(run_data(run, parameters=parameters, clock=clock)), target, figures=figures)


def write_quietly(folder: Path, path: Path | None, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """Write the report of a run that has just ended. What goes wrong is logged, and never raised into the training.

    Args:
        folder: The run's folder.
        path: Where to; `None` for `artifacts/report.html` in it.
        clock: Tells the time.
    """
    try:
        written = write_report(Run(folder), path, clock=clock)
    except (RlvitalsError, OSError) as error:
        _log.warning("%s: no report was written: %s", folder.name, error)
    except Exception:  # noqa: BLE001 - a mistake of the report is no trouble of the training
        _log.exception("%s: no report was written", folder.name)
    else:
        _log.info("%s: the report is in %s", folder.name, written)


def write_digest(
    folder: str | Path,
    since_s: float,
    path: str | Path,
    *,
    figures: bool = True,
    clock: Clock = SYSTEM_CLOCK,
) -> Path:
    """Write the digest of the runs of the last days, to a path as of `write_report`, which says what is raised too.

    Args:
        folder: Where the runs are; folders in it are looked into.
        since_s: How far back, in seconds.
        path: Where to.
        figures: As for `write_report`.
        clock: Tells the time.

    Raises:
        ExportError: Also if the path ends with `.png`: such a sheet holds charts, and a digest has none.
        RunNotFoundError: There is no such folder.
    """
    target = Path(path)
    if target.suffix.lower() == _SHEET:
        others = ", ".join(ending for ending in ENDINGS if ending != _SHEET)
        raise ExportError(f"{path}: a PNG holds charts, and a digest has none; its name must end with {others}")
    check_form(target)
    digest = digest_of(Path(folder), since_s, beside=target.parent, report=REPORT, clock=clock)
    return _write(digest, target, figures=figures)


def write_comparison(
    found: Comparison,
    path: str | Path,
    *,
    divergence: Divergence | None = None,
    call: str = "",
    figures: bool = True,
    clock: Clock = SYSTEM_CLOCK,
) -> Path:
    """Write the report of a comparison, to a path as of `write_report`, which says what is raised too.

    Args:
        found: What `rlvitals.compare` found.
        path: Where to.
        divergence: What `rlvitals.comparison.first_divergence` found, where two runs are compared.
        call: The command or the call that made it, to be told in the report.
        figures: As for `write_report`.
        clock: Tells the time.
    """
    check_form(path)
    return _write(comparison_document(found, divergence, call, clock.time()), Path(path), figures=figures)


def check_form(path: str | Path) -> None:
    """Refuse a path that no report can be written to, before anything is read for it.

    Raises:
        ExportError: There is no such form, or a folder is there, or there is no browser to print a PDF.
        MissingExtraError: A PNG needs resvg, which is not installed.
    """
    ending = Path(path).suffix.lower()
    if ending not in _FORMS:
        raise ExportError(f"{path} has no report format: its name must end with {', '.join(ENDINGS)}")
    if Path(path).is_dir():
        raise ExportError(f"{path} cannot be written: Is a directory")
    _CHECKS.get(ending, bool)()


def put(path: Path, content: str | bytes) -> Path:
    """Write a file aside, and put it in its place when it is whole.

    Raises:
        ExportError: It cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content.encode("utf-8", "replace") if isinstance(content, str) else content)
    except (OSError, ValueError) as error:
        raise ExportError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from error
    return path


def _write(document: Document, path: Path, *, figures: bool) -> Path:
    ending, folder = path.suffix.lower(), path.with_name(f"{path.stem}-figures")

    def figure(chart: Chart) -> str:
        put(folder / f"{chart.key}.svg", draw(chart, standalone=True))
        return f"{folder.name.replace(' ', '%20')}/{chart.key}.svg"

    has_figures = figures and ending == ".md"
    return put(path, markdown.text(document, figure) if has_figures else _FORMS[ending](document))
