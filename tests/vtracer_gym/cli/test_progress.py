from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from vtracer_gym.cli.progress import bar, fitted, vital_signs

STATISTICS: dict[str, Any] = {
    "reward_stats": {"mean": -12.34},
    "quality_stats": {"mean": -0.0123},
    "episode_stats": {"success_rate": 1.0},
    "kl_divergence_stats": {"latest": 0.000123},
    "entropy_stats": {"latest": -11.2},
    "explained_variance_stats": {"latest": -0.123},
}


def shown(width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), force_terminal=True, color_system=None)
    progress = bar(console)
    progress.add_task("unseen logos", total=1_000_000, completed=999_999, signs=vital_signs(STATISTICS))
    console.print(progress.get_renderable())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().rstrip("\n").split("\n")


@pytest.mark.parametrize("width", [12, 20, 31, 40, 48, 57, 79, 80, 120, 200])
def test_two_lines_that_fit(width: int) -> None:
    """On a terminal of any width, the progress bar and the metrics take one line each, and no metric is cut."""
    lines = shown(width)

    assert len(lines) <= 2
    assert max(map(len, lines)) <= width
    assert all("…" not in line for line in lines[1:])


def test_metrics_in_eighty_columns() -> None:
    """The return comes first, and metrics that do not fit are left out."""
    assert shown(80)[1] == "return -12.34  SSIM -0.0123  success 100%  KL 0.000123  expl. var. -0.123"


def test_no_metric_fits() -> None:
    """If even the first metric does not fit, the line is empty."""
    assert fitted(("return -12.34",), 5) == ""
