"""The metric dictionary as a page."""

import subprocess
import sys
from pathlib import Path

from rlvitals.records import METRICS
from rlvitals.records.metric_reference import reference

PAGE = Path(__file__).parents[3] / "docs" / "metrics.md"


def test_the_page_is_up_to_date() -> None:
    """`docs/metrics.md` is up to date. If not: python -m rlvitals.records.metric_reference > docs/metrics.md"""

    assert PAGE.read_text(encoding="utf-8") == reference()


def test_every_metric_has_a_heading() -> None:
    """Every metric has a heading as a link target."""

    headings = [line for line in reference().splitlines() if line.startswith("### ")]
    assert headings == [f"### `{stream}.{entry.name}`" for stream in METRICS for entry in METRICS[stream]]


def test_formulas_are_escaped_in_markdown() -> None:
    """Underscores, stars and bars in a formula are escaped, except in inline code."""

    assert "KL(pi\\_old \\|\\| pi\\_new)" in reference()
    assert "SB3 `train/approx_kl`" in reference()


def test_bounds_are_given_in_words() -> None:
    """One-sided and two-sided bounds have different texts, and a metric without bounds has none."""

    sections = {section.split("`")[1]: section for section in reference().split("### ")[1:]}
    assert "- Bounds: 0 to 1\n" in sections["updates.explained_variance"]
    assert "- Bounds: at least 1\n" in sections["episodes.length"]
    assert "Bounds" not in sections["updates.policy_loss"]


def test_titles_and_directions_are_listed() -> None:
    """A metric without a better direction has no line for it."""

    sections = {section.split("`")[1]: section for section in reference().split("### ")[1:]}
    assert "- Title: KL divergence\n" in sections["updates.kl_divergence"]
    assert "- Better: lower\n" in sections["updates.value_loss"]
    assert "Better" not in sections["updates.entropy"]


def test_the_command_prints_the_page() -> None:
    """The command that the page names prints it without a warning."""

    command = [sys.executable, "-W", "error", "-m", "rlvitals.records.metric_reference"]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    assert made.stdout == reference()
