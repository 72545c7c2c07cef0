"""Monitored training and evaluation, shared by several commands."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from rlvitals import TrainingMonitor
from rlvitals.adapters.sb3 import VitalsCallback
from vtracer_gym.baselines import DEFAULTS_NAME
from vtracer_gym.cli.progress import ProgressCallback, bar
from vtracer_gym.contenders import contenders
from vtracer_gym.evaluation import DEFAULT_SEARCH_TRIES, evaluate
from vtracer_gym.logo_outcomes import FIRST_TRY, TUNED, LogoEvaluation, Outcome, methods_of, pooled, summarize
from vtracer_gym.pictures import PictureCallback
from vtracer_gym.pipeline import SETTING_BOUNDS
from vtracer_gym.training import train

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from vtracer_gym.logos import Logo
    from vtracer_gym.models import TrainedAgent, TrainingSettings

PROJECT = "vtracer-gym"
"""Project name of all runs."""

INFO_KEYS = (
    "logo",
    "logo_size",
    "svg_bytes",
    "byte_ratio",
    "detail",
    "edge_distance",
    "color_error",
    "paper_error",
    "default_svg_bytes",
    "failed_attempts",
)
"""Info keys to record for each episode in addition to the keys that the monitor knows."""

TOOLS = ("vtracer", "thorvg-python")
"""Packages whose versions affect drawings and measurements."""


def monitored_training(
    console: Console,
    logos: Sequence[Logo],
    unseen: Sequence[Logo],
    settings: TrainingSettings,
    folder: Path,
    monitor: TrainingMonitor,
    *,
    resume: bool = False,
) -> TrainedAgent:
    """Train with a progress bar and current metrics, and record every episode and update.

    Raises:
        ModelError: The training cannot be resumed.
    """
    with bar(console) as progress:
        watcher = ProgressCallback(progress, f"seed {settings.seed}", settings.steps, monitor)
        recorder = VitalsCallback(monitor=monitor, info_keys=INFO_KEYS)
        pictures = PictureCallback(monitor, unseen or logos, settings.weights, settings.steps)
        callbacks = [recorder, watcher, pictures]
        agent = train(
            logos,
            settings,
            folder,
            unseen=unseen,
            resume=resume,
            callbacks=callbacks,
            on_stage=watcher.show_stage,
        )
        if pictures.n_calls:  # otherwise, nothing was left to train
            pictures.show()
        return agent


def measured(
    console: Console,
    agent: TrainedAgent,
    logos: Sequence[Logo],
    *,
    search_tries: int = DEFAULT_SEARCH_TRIES,
    seed: int,
    processes: int | None = None,
) -> list[LogoEvaluation]:
    """Evaluate an agent, its contenders and the baselines with a progress bar.

    Args:
        console: Console for the progress bar.
        agent: Agent to evaluate.
        logos: Unseen logos.
        search_tries: Random-search tries per logo.
        seed: Seed of random search.
        processes: Number of processes for the baselines, by default one per core.

    Raises:
        ValueError: Random search has fewer tries than the agent.
        VtracerGymError: VTracer fails on every logo with its defaults.
    """
    settings = agent.card.settings
    with bar(console) as progress:
        task = progress.add_task("unseen logos", total=len(logos), signs=())
        return evaluate(
            agent,
            logos,
            weights=settings.weights,
            attempts=settings.attempts,
            search_tries=search_tries,
            seed=seed,
            extra=contenders(agent),
            processes=processes,
            on_logo=lambda: progress.advance(task),
        )


def evaluated(
    console: Console,
    agent: TrainedAgent,
    by_size: Mapping[int, Sequence[Logo]],
    monitor: TrainingMonitor,
    *,
    search_tries: int,
    seed: int,
    processes: int | None,
) -> dict[int, list[LogoEvaluation]]:
    """Evaluate an agent at several sizes as ``measured`` does, and record the mean over the sizes of each logo."""
    evaluations = {
        size: measured(console, agent, logos, search_tries=search_tries, seed=seed, processes=processes)
        for size, logos in by_size.items()
    }
    record_evaluation(monitor, pooled(evaluations.values()))
    return evaluations


def described(logos: str, seen: Iterable[Logo], unseen: Iterable[Logo], sizes: Iterable[int]) -> dict[str, Any]:
    """Return the configuration of a run, without the settings of the training.

    Args:
        logos: Folder of the logos.
        seen: Training logos. The same logo in several sizes counts once.
        unseen: Unseen logos.
        sizes: Longest sides in pixels.
    """
    return {
        "logos": logos,
        "sizes": list(sizes),
        "trained_on": len({logo.name for logo in seen}),
        "unseen": len({logo.name for logo in unseen}),
        "parameter_bounds": {name: list(limits) for name, limits in SETTING_BOUNDS.items()},
        "lower_is_better": ["svg_bytes", "edge_distance", "color_error", "paper_error"],
        "higher_is_better": ["quality", "detail"],
        "metric_titles": {"svg_bytes": "bytes", "quality": "SSIM", "detail": "SSIM at twice the size"},
        "versions": {name: version(name) for name in TOOLS},
        "independent_steps": True,  # attempts do not change the logo, so a discount of 0 is correct
    }


def record_evaluation(monitor: TrainingMonitor, evaluations: Sequence[LogoEvaluation]) -> None:
    """Log the evaluations of the agent and of all other methods, with the values of each logo for paired comparisons.

    VTracer's defaults come first, because the monitor compares with the first method, then the setting at which the
    policy started.
    """
    episodes = monitor.session.total_episodes
    methods = methods_of(evaluations)
    leading = [name for name in (DEFAULTS_NAME, TUNED) if name in methods]
    for method in dict.fromkeys([*leading, *methods]):
        outcomes = {evaluation.logo: evaluation.outcomes[method] for evaluation in evaluations}
        rewards = [outcome.reward for outcome in outcomes.values()]
        qualities = [outcome.quality for outcome in outcomes.values()]
        summary = summarize(evaluations, method)
        monitor.log_evaluation(
            episodes,
            float(np.mean(rewards)),
            float(np.mean(qualities)),
            float(np.mean([reward > 0.0 for reward in rewards])),
            eval_episodes=len(outcomes),
            env_step=monitor.env_step,
            policy=None if method == FIRST_TRY else method,
            reward_std=float(np.std(rewards)),
            quality_std=float(np.std(qualities)),
            items={
                logo: {
                    "reward": one.reward,
                    "quality": one.quality,
                    "detail": one.detail,
                    "svg_bytes": one.size_bytes,
                    "edge_distance": one.edge_distance,
                    "color_error": one.color_error,
                }
                for logo, one in outcomes.items()
            },
            extra={
                "attempts": next(iter(outcomes.values())).tries,
                "byte_ratio": summary.byte_ratio.mean,
                "worse_than_defaults": summary.worse_share,
            },
        )


def save_evaluations(path: Path, evaluations: Mapping[int, Sequence[LogoEvaluation]]) -> None:
    """Write the results of each logo at each size as JSON. An unknown value is null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "logo": evaluation.logo,
            "size": size,
            "category": evaluation.category,
            "outcomes": {method: _values(outcome) for method, outcome in evaluation.outcomes.items()},
            "search_curve": evaluation.search_curve.tolist(),
        }
        for size, several in evaluations.items()
        for evaluation in several
    ]
    path.write_text(json.dumps(rows, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def load_evaluations(path: Path) -> dict[int, list[LogoEvaluation]]:
    """Read the results that ``save_evaluations`` wrote, by size."""
    found: dict[int, list[LogoEvaluation]] = defaultdict(list)
    for row in json.loads(path.read_text(encoding="utf-8")):
        outcomes = {method: _outcome(values) for method, values in row["outcomes"].items()}
        found[row["size"]].append(LogoEvaluation(row["logo"], row["category"], outcomes, np.array(row["search_curve"])))
    return dict(found)


def _values(outcome: Outcome) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in asdict(outcome).items()}


def _outcome(values: dict[str, Any]) -> Outcome:
    return Outcome(**values | {name: math.nan for name, value in values.items() if value is None})
