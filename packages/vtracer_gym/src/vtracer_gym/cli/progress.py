"""Progress bar and current metrics for training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text
from stable_baselines3.common.callbacks import BaseCallback

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console, RenderableType

    from rlvitals import TrainingMonitor

WINDOW: Final = 200
"""Number of episodes over which the line of metrics averages."""


GAP: Final = "  "

Signs = tuple[str, ...]


class VitalProgress(Progress):
    """A progress bar with the current metrics below it, in lines that fit the terminal."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bars, then a line for each task with metrics."""
        yield from super().get_renderables()
        for task in self.tasks:
            if line := fitted(task.fields.get("signs", ()), self.console.width):
                yield Text(line, style="cyan", no_wrap=True, overflow="ellipsis")


def bar(console: Console) -> VitalProgress:
    """Return a progress bar with a line of metrics, with the columns that fit into the terminal."""
    columns = {
        0: TextColumn("[bold]{task.description}"),
        48: BarColumn(bar_width=None),
        32: MofNCompleteColumn(),
        40: TimeElapsedColumn(),
        56: TextColumn("left"),
        57: TimeRemainingColumn(),
    }
    shown = [column for least, column in columns.items() if console.width >= least]
    return VitalProgress(*shown, console=console, expand=True)


def fitted(signs: Signs, width: int) -> str:
    """Return as many of the first metrics as fit into a line of ``width`` columns. Metrics are never cut."""
    line = ""
    for sign in signs:
        longer = f"{line}{GAP}{sign}" if line else sign
        if len(longer) > width:
            break
        line = longer
    return line


def vital_signs(statistics: dict[str, Any]) -> Signs:
    """Return the metrics from ``TrainingMonitor.get_training_statistics``, the most important first."""
    signs: list[str] = []
    if (reward := statistics.get("reward_stats")) and reward.get("mean") is not None:
        signs.append(f"return {reward['mean']:+.2f}")
    if (quality := statistics.get("quality_stats")) and quality.get("mean") is not None:
        signs.append(f"SSIM {quality['mean']:+.4f}")
    if (episodes := statistics.get("episode_stats")) and episodes.get("success_rate") is not None:
        signs.append(f"success {episodes['success_rate']:.0%}")
    for key, name in (("kl_divergence", "KL"), ("explained_variance", "expl. var."), ("entropy", "entropy")):
        if (metric := statistics.get(f"{key}_stats")) and metric.get("latest") is not None:
            signs.append(f"{name} {metric['latest']:.3g}")
    return tuple(signs)


class ProgressCallback(BaseCallback):
    """Callback that updates a progress bar on every step and the metrics after every rollout."""

    def __init__(self, progress: Progress, description: str, steps: int, monitor: TrainingMonitor) -> None:
        super().__init__()
        self._progress = progress
        self._description = description
        self._steps = steps
        self._vitals = monitor
        self._task = progress.add_task(description, total=steps, signs=())

    def show_stage(self, stage: str) -> None:
        """Show the name of the current stage."""
        self._progress.update(self._task, description=f"{self._description}: {stage}")

    def _on_step(self) -> bool:
        self._progress.update(self._task, completed=min(self.num_timesteps, self._steps))
        return True

    def _on_rollout_end(self) -> None:
        self._progress.update(self._task, signs=vital_signs(self._vitals.get_training_statistics(WINDOW)))
