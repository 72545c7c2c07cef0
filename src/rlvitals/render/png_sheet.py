"""PNG images rendered from the SVG charts: one chart, or all charts of a report on one sheet."""

import importlib
import re
import textwrap
from contextlib import ExitStack
from importlib.resources import as_file, files
from importlib.util import find_spec

from rlvitals.documents.document import Charts, Document, FindingsBlock, health_text, next_text
from rlvitals.documents.run_curves import numbered
from rlvitals.errors import ExportError, MissingExtraError
from rlvitals.render.svg import WIDTH, captioned_chart, on_paper
from rlvitals.render.svg_primitives import cut, written

_MODULE = "resvg_py"
_FAMILY = "DejaVu Sans"
_FONTS = ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")
"""Bundled fonts, because a server can lack fonts. Other scripts use the fonts of the machine."""
_ZOOM = 2  # resvg-py before 0.3.3 accepts only integers
_GAP, _COLUMNS = 24, 2
_FIRST_LINE, _LINE = 58, 18
_LETTERS = 120
_VARIABLE = re.compile(r"--rv-(\w+):([^;}]+)")
_USE = re.compile(r"var\(--rv-(\w+)\)")
_FONT = re.compile(r"font:(\d+)px [^;}]+")


def check_png() -> None:
    """Check that PNG output is available, before any run is read.

    Raises:
        MissingExtraError: resvg is not installed.
    """
    if find_spec(_MODULE) is None:
        raise MissingExtraError("A report or a figure as PNG", extra="report", module=_MODULE)


def png(svg: str) -> bytes:
    """Rasterise a drawing at twice its size.

    Args:
        svg: SVG file made by this package.

    Raises:
        MissingExtraError: resvg is not installed.
        ExportError: resvg rejects the drawing.
    """
    check_png()
    rasterise = importlib.import_module(_MODULE).svg_to_bytes
    folder = files("rlvitals.render") / "fonts"
    with ExitStack() as stack:
        fonts = [str(stack.enter_context(as_file(folder / name))) for name in _FONTS]
        try:
            made = rasterise(
                svg_string=_plain(svg), background="#ffffff", zoom=_ZOOM, font_family=_FAMILY, font_files=fonts
            )
        except ValueError as error:
            raise ExportError(f"resvg cannot rasterise the drawing: {error}") from error
    return bytes(made)


def sheet(document: Document) -> str:
    """Draw the verdict, key figures, findings and all charts of a report as one SVG file, with two charts per row.

    Args:
        document: Report to draw.
    """
    width = _COLUMNS * (WIDTH + _GAP) + _GAP
    words = [document.status, document.verdict.title, health_text(document.health)]
    keys = [f"{name} {value}" + (f" ({note})" if note else "") for name, value, note in document.key_facts]
    texts = (document.verdict.text, next_text(document.verdict), ", ".join(keys))
    lines = ["; ".join(filter(None, words)), *(line for text in texts for line in _wrapped(text))]
    blocks = [block for section in document.sections for block in section.blocks]
    findings = [one for block in blocks if isinstance(block, FindingsBlock) for one in numbered(block.findings)]
    lines += [f"{label}: {finding.title} ({finding.severity})" for label, finding in findings]
    body = [written(_GAP, 34, cut(document.title, width - 2 * _GAP), "rv-title")]
    body += [
        written(_GAP, _FIRST_LINE + place * _LINE, cut(line, width - 2 * _GAP), "") for place, line in enumerate(lines)
    ]
    top = _FIRST_LINE + len(lines) * _LINE
    charts = [chart for block in blocks if isinstance(block, Charts) for chart in block.charts]
    for first in range(0, len(charts), _COLUMNS):
        drawn = [captioned_chart(chart) for chart in charts[first : first + _COLUMNS]]
        for column, (drawing, height) in enumerate(drawn):
            left = _GAP + column * (WIDTH + _GAP)
            body.append(f'<svg x="{left}" y="{top}" width="{WIDTH}" height="{height}">{drawing}</svg>')
        top += max(height for _, height in drawn) + _GAP
    return on_paper(width, top, "".join(body))


def _wrapped(text: str) -> list[str]:
    return [part for line in text.split("\n") for part in textwrap.wrap(line, _LETTERS)]


def _plain(svg: str) -> str:
    """Return a drawing with basic CSS that every renderer supports: light colours, no variables, no media queries."""
    head, style, rest = svg.partition("<style>")
    css, end, rest = rest.partition("</style>")
    if not style:
        return svg
    colours = dict(_VARIABLE.findall(css.partition("@media")[0]))
    rules = "\n".join(line for line in css.splitlines() if not line.startswith("@media") and "{--rv-" not in line)
    css = _USE.sub(lambda found: colours[found[1]], rules)
    css = _FONT.sub(rf"font-size:\1px;font-family:'{_FAMILY}'", css)
    return f"{head}{style}{css}{end}{rest}"
