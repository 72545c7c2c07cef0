"""Tests of the PNG output."""

import re
from collections.abc import Callable
from pathlib import Path

from rlvitals import RunReader
from rlvitals.documents.document import FindingsBlock
from rlvitals.documents.run_curves import numbered
from rlvitals.documents.run_data import run_data
from rlvitals.documents.run_report import run_document
from rlvitals.render.png_sheet import png, sheet
from rlvitals.render.report_writer import write_report

Made = Callable[[str], RunReader]


def test_a_sheet_has_every_chart_and_the_verdict(kept: Made) -> None:
    """All charts are inside the sheet."""
    document = run_document(run_data(kept("well")))
    drawing = sheet(document)
    height = float(re.findall(r'viewBox="0 0 \S+ (\S+)"', drawing)[0])
    tops = [float(top) for top in re.findall(r'<svg x="\d+" y="(\d+)"', drawing)]

    assert document.verdict.title in drawing
    assert "Reward" in drawing
    assert len(tops) == drawing.count("<svg ") - 1 > 2
    assert max(tops) < height


def test_a_sheet_explains_the_numbers_on_its_charts(kept: Made) -> None:
    """It lists the findings, the key facts with their windows, and the legend of each chart."""
    document = run_document(run_data(kept("all NaN")))
    said = " ".join(re.findall(">([^<]+)</text>", sheet(document)))
    blocks = [block for section in document.sections for block in section.blocks]
    (found,) = (block for block in blocks if isinstance(block, FindingsBlock))

    assert all(f"{label}: {finding.title} ({finding.severity})" in said for label, finding in numbered(found.findings))
    assert all(f"{name} {value} ({note})" in said for name, value, note in document.key_facts if note)
    assert "each 40 NaN of 40 values" in said


def test_the_same_report_gives_the_same_picture(kept: Made, tmp_path: Path) -> None:
    """The image does not depend on the machine or the time."""
    first = write_report(kept("well"), tmp_path / "first.png").read_bytes()

    assert first == write_report(kept("well"), tmp_path / "second.png").read_bytes()
    assert first.startswith(b"\x89PNG")


def test_text_is_drawn() -> None:
    """The bundled font is used, because a machine can lack fonts."""
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="30"><style>.t{font:16px x}</style>%s</svg>'
    blank, written = (png(svg % text) for text in ("", '<text class="t" x="5" y="20">Reward 0.97 ≥ ∞</text>'))

    assert len(written) > 2 * len(blank)
