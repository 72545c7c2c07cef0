"""Writer of reports. The path's extension selects the format, and an existing file is replaced atomically."""

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
"""Default file name of a report in the artifacts of a run."""

PAGES = (".html", ".htm")
"""Extensions of HTML pages."""

_SHEET = ".png"

_FORMS: dict[str, Callable[[Document], str | bytes]] = {
    **dict.fromkeys(PAGES, html.page),
    ".md": markdown.text,
    ".pdf": lambda document: pdf(html.page(document)),
    _SHEET: lambda document: png(sheet(document)),
}
ENDINGS = tuple(_FORMS)
"""Extensions of all report formats: HTML, Markdown, PDF, and one sheet of charts as PNG."""

_CHECKS: dict[str, Callable[[], object]] = {".pdf": find_browser, _SHEET: check_png}
"""Checks of a format that run before any run is read."""


def write_report(
    run: Run,
    path: str | Path | None = None,
    *,
    parameters: bool | None = None,
    figures: bool = True,
    clock: Clock = SYSTEM_CLOCK,
) -> Path:
    """Write the report of a live or finished run. An existing file is replaced.

    Args:
        run: Run to read.
        path: File to write. The extension selects the format: `.html`, `.md`, `.pdf` or `.png`. Default:
            `artifacts/report.html` in the run folder.
        parameters: Whether to analyse the explored parameters. Default: only if that is fast.
        figures: Whether Markdown gets its curves as SVG files in a folder next to it; otherwise as sparklines.
        clock: Source of the current time.

    Returns:
        Path of the report.

    Raises:
        ExportError: The file cannot be written, the extension is unknown, or no browser is available for a PDF.
        MissingExtraError: The path is a PNG and resvg is not installed.
        RunFormatError: The run is damaged.
    """
    target = own_artifacts(run) / REPORT if path is None else Path(path)
    check_form(target)
    return _write(run_document(run_data(run, parameters=parameters, clock=clock)), target, figures=figures)


def report_text(run: Run, *, parameters: bool | None = None, clock: Clock = SYSTEM_CLOCK) -> str:
    """Return the report of a run as Markdown, with its curves as sparklines. No file is written.

    Args:
        run: Run to read. It can be live.
        parameters: As for `write_report`.
        clock: Source of the current time.

    Raises:
        RunFormatError: The run is damaged.
    """
    return markdown.text(run_document(run_data(run, parameters=parameters, clock=clock)))


def write_quietly(folder: Path, path: Path | None, *, clock: Clock = SYSTEM_CLOCK) -> None:
    """Write the report of a run that has just ended. Errors are logged and never raised into the training.

    Args:
        folder: Run folder.
        path: File to write; `None` for `artifacts/report.html` in the run folder.
        clock: Source of the current time.
    """
    try:
        written = write_report(Run(folder), path, clock=clock)
    except (RlvitalsError, OSError) as error:
        _log.warning("%s: cannot write the report: %s", folder.name, error)
    except Exception:  # noqa: BLE001 - a bug in the report must not stop the training
        _log.exception("%s: cannot write the report", folder.name)
    else:
        _log.info("%s: report written to %s", folder.name, written)


def write_digest(
    folder: str | Path,
    since_s: float,
    path: str | Path,
    *,
    figures: bool = True,
    clock: Clock = SYSTEM_CLOCK,
) -> Path:
    """Write a digest of the runs that were active recently.

    Args:
        folder: Folder of runs, searched with its subfolders.
        since_s: Length of the period up to now, in seconds.
        path: File to write, as for `write_report`.
        figures: As for `write_report`.
        clock: Source of the current time.

    Returns:
        Path of the digest.

    Raises:
        ExportError: As for `write_report`, or the path is a PNG. A PNG holds only charts, and a digest has no charts.
        RunNotFoundError: The folder does not exist.
    """
    target = Path(path)
    if target.suffix.lower() == _SHEET:
        others = ", ".join(ending for ending in ENDINGS if ending != _SHEET)
        raise ExportError(
            f"{path}: a PNG holds only charts, and a digest has no charts; its name must end with {others}"
        )
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
    """Write the report of a comparison. It raises the same errors as `write_report`.

    Args:
        found: Result of `rlvitals.compare`.
        path: File to write, as for `write_report`.
        divergence: Result of `rlvitals.comparison.first_divergence` if two runs are compared.
        call: Command or function call that made the comparison, shown in the report.
        figures: As for `write_report`.
        clock: Source of the current time.

    Returns:
        Path of the report.
    """
    check_form(path)
    return _write(comparison_document(found, divergence, call, clock.time()), Path(path), figures=figures)


def check_form(path: str | Path) -> None:
    """Check that a report can be written to a path, before any run is read.

    Raises:
        ExportError: The extension is unknown, the path is a folder, or no browser is available for a PDF.
        MissingExtraError: The path is a PNG and resvg is not installed.
    """
    ending = Path(path).suffix.lower()
    if ending not in _FORMS:
        raise ExportError(f"{path} has no report format: its name must end with {', '.join(ENDINGS)}")
    if Path(path).is_dir():
        raise ExportError(f"{path} cannot be written: Is a directory")
    _CHECKS.get(ending, bool)()


def put(path: Path, content: str | bytes) -> Path:
    """Write a file atomically: write a temporary file, then replace the target.

    Raises:
        ExportError: The file cannot be written.
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
