"""Tests of the notebook output."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rlvitals import RunReader
from rlvitals.errors import ColumnError, ExportError

Made = Callable[[str], RunReader]
ReadPage = Callable[[str], object]


def test_any_run_has_a_card(odd: RunReader, read_page: Callable[[str], "object"]) -> None:
    """The card is well-formed HTML."""
    page = read_page(odd._repr_html_())

    assert (getattr(page, "open"), getattr(page, "faults")) == ([], [])  # noqa: B009 - a fixture's own type


def test_an_unreadable_run_shows_its_error(made: Made) -> None:
    """Nothing is raised in the notebook."""
    run = made("one episode")
    (run.path / "run.json").unlink()

    assert "run.json" in run._repr_html_()


@pytest.mark.parametrize("name", ["reward", "success", "entropy"])
def test_a_figure_is_a_standalone_drawing(kept: Made, name: str) -> None:
    """It has a style, a background and a title."""
    drawing = ET.fromstring(kept("well").figure(name)._repr_svg_())  # noqa: S314 - our own text

    assert drawing.tag.endswith("svg")
    assert [child.tag.rpartition("}")[2] for child in drawing][:3] == ["style", "rect", "text"]


@pytest.mark.usefixtures("printer")
@pytest.mark.parametrize(("ending", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_a_figure_is_saved(kept: Made, tmp_path: Path, ending: str, begins: bytes) -> None:
    """The extension selects the format."""
    assert kept("well").figure("reward").save(tmp_path / f"reward.{ending}").read_bytes().startswith(begins)


def test_unknown_figures_and_formats_are_refused(kept: Made, tmp_path: Path) -> None:
    """The error lists the available figures or formats."""
    run = kept("well")
    with pytest.raises(ColumnError, match=r"no figure 'rewards'; available: reward, "):
        run.figure("rewards")
    with pytest.raises(ExportError, match=r"must end with \.svg"):
        run.figure().save(tmp_path / "reward.gif")
