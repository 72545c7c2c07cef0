"""A run in a notebook."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from rlvitals import RunReader
from rlvitals.errors import ColumnError, ExportError

Made = Callable[[str], RunReader]
ReadPage = Callable[[str], object]


def test_any_run_shows_itself(odd: RunReader, read_page: Callable[[str], "object"]) -> None:
    """As whole markup: the verdict and at most four charts."""
    page = read_page(odd._repr_html_())

    assert (getattr(page, "open"), getattr(page, "faults")) == ([], [])  # noqa: B009 - a fixture's own type


def test_a_run_that_cannot_be_read_says_so(made: Made) -> None:
    """And a notebook goes on."""
    run = made("one episode")
    (run.path / "run.json").unlink()

    assert "run.json" in run._repr_html_()


@pytest.mark.parametrize("name", ["reward", "success", "entropy"])
def test_a_figure_is_a_drawing_of_its_own(kept: Made, name: str) -> None:
    """With its title and its style."""
    drawing = ET.fromstring(kept("well").figure(name)._repr_svg_())  # noqa: S314 - our own text

    assert drawing.tag.endswith("svg")
    assert [child.tag.rpartition("}")[2] for child in drawing][:3] == ["style", "rect", "text"]


@pytest.mark.usefixtures("printer")
@pytest.mark.parametrize(("ending", "begins"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_a_figure_is_saved(kept: Made, tmp_path: Path, ending: str, begins: bytes) -> None:
    """In the form that the ending says."""
    assert kept("well").figure("reward").save(tmp_path / f"reward.{ending}").read_bytes().startswith(begins)


def test_what_is_not_there_is_named(kept: Made, tmp_path: Path) -> None:
    """A figure with those that there are, a form with those that there are."""
    run = kept("well")
    with pytest.raises(ColumnError, match=r"no figure 'rewards': there are reward, "):
        run.figure("rewards")
    with pytest.raises(ExportError, match=r"must end with \.svg"):
        run.figure().save(tmp_path / "reward.gif")
