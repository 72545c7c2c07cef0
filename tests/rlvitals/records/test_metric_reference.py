"""The reference of metrics."""

import subprocess
import sys
from pathlib import Path

from rlvitals.records import METRICS
from rlvitals.records.metric_reference import pages

FOLDER = Path(__file__).parents[3] / "docs" / "reference" / "metrics"


def section(stream: str, name: str) -> str:
    """The text about a metric."""
    return pages()[f"{stream}.md"].split(f"## `{name}`\n")[1].split("\n## ")[0]


def test_the_pages_are_up_to_date() -> None:
    """`docs/reference/metrics` is what the dictionary makes; otherwise run `make reference`."""

    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == pages()


def test_every_metric_has_a_heading() -> None:
    """A metric can be linked to."""

    for stream, entries in METRICS.items():
        headings = [line for line in pages().get(f"{stream}.md", "").splitlines() if line.startswith("## ")]
        assert headings == [f"## `{entry.name}`" for entry in entries]


def test_formulas_are_escaped() -> None:
    """Underscores, stars and bars of a formula are shown as they are; code stays code."""

    assert "KL(pi\\_old \\|\\| pi\\_new)" in section("updates", "kl_divergence")
    assert "SB3 `train/approx_kl`" in section("updates", "kl_divergence")


def test_bounds_are_written_as_a_range() -> None:
    """One bound and two bounds read differently; without bounds there is no text."""

    assert "Bounds: 0 to 1.\n" in section("updates", "explained_variance")
    assert "Bounds: at least 1.\n" in section("episodes", "length")
    assert "Bounds" not in section("updates", "policy_loss")


def test_titles_and_directions_are_shown() -> None:
    """A metric without a better direction names none."""

    assert "- Title: KL divergence. " in section("updates", "kl_divergence")
    assert "Better: lower." in section("updates", "value_loss")
    assert "Better" not in section("updates", "entropy")


def test_the_module_writes_the_pages(tmp_path: Path) -> None:
    """The command of `make reference` works, without a warning."""

    command = [sys.executable, "-W", "error", "-m", "rlvitals.records.metric_reference", str(tmp_path)]
    subprocess.run(command, check=True)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == pages()
