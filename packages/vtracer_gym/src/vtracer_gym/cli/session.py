"""Monitored training and evaluation, shared by several commands."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np

from rlvitals import TrainingMonitor
from rlvitals.adapters.sb3 import VitalsCallback
from vtracer_gym.actions import parameters_of
from vtracer_gym.baselines import FixedSetting
from vtracer_gym.cli.progress import ProgressCallback, bar
from vtracer_gym.evaluation import FIRST_TRY, best_of, evaluate, summarize
from vtracer_gym.pictures import PictureCallback
from vtracer_gym.tracing import BOUNDS
from vtracer_gym.training import train

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console

    from vtracer_gym.evaluation import LogoEvaluation
    from vtracer_gym.logos import Logo
    from vtracer_gym.models import TrainedAgent, TrainingSettings

PROJECT = "vtracer-gym"
"""Project name of all runs."""

TUNED = "one tuned setting"

INFO_KEYS = ("logo", "svg_bytes", "default_svg_bytes", "failed_attempts")
"""Info keys to record for each episode in addition to the keys that the monitor knows."""


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
        return train(logos, settings, folder, unseen=unseen, resume=resume, callbacks=callbacks)


def measured(
    console: Console,
    agent: TrainedAgent,
    logos: Sequence[Logo],
    *,
    search_tries: int,
    seed: int,
    processes: int,
) -> list[LogoEvaluation]:
    """Evaluate with a progress bar. The setting at which the policy started is an additional baseline.

    Raises:
        ValueError: Random search has fewer tries than the agent.
        VtracerGymError: VTracer fails on every logo with its defaults.
    """
    settings = agent.card.settings
    start = FixedSetting(parameters_of(np.asarray(agent.card.start_action)))
    with bar(console) as progress:
        task = progress.add_task("unseen logos", total=len(logos), signs=())
        return evaluate(
            agent,
            logos,
            weights=settings.weights,
            attempts=settings.attempts,
            search_tries=search_tries,
            seed=seed,
            extra_settings={TUNED: start},
            processes=processes,
            on_logo=lambda: progress.advance(task),
        )


def described(logos: str, seen: Sequence[Logo], unseen: Sequence[Logo]) -> dict[str, Any]:
    """Return the configuration of a run, without the settings of the training."""
    return {
        "logos": logos,
        "trained_on": len(seen),
        "unseen": len(unseen),
        "parameter_bounds": {name: list(limits) for name, limits in BOUNDS.items()},
        "lower_is_better": ["svg_bytes"],
        "versions": {name: version(name) for name in ("vtracer", "resvg-py")},  # versions trace and draw differently
        "independent_steps": True,  # attempts do not change the logo, so a discount of 0 is correct
    }


def record_evaluation(monitor: TrainingMonitor, evaluations: Sequence[LogoEvaluation], attempts: int) -> None:
    """Log the evaluations of the agent and all baselines, with the values of each logo for paired comparisons."""
    episodes = monitor.session.total_episodes
    agents = {FIRST_TRY, best_of("agent", attempts)}
    for method in evaluations[0].outcomes:
        outcomes = {evaluation.logo: evaluation.outcomes[method] for evaluation in evaluations}
        rewards = [outcome.reward for outcome in outcomes.values()]
        qualities = [outcome.quality for outcome in outcomes.values()]
        wins = [one.quality_difference >= 0.0 and one.log_byte_ratio < 0.0 for one in outcomes.values()]
        summary = summarize(evaluations, method)
        monitor.log_evaluation(
            episodes,
            float(np.mean(rewards)),
            float(np.mean(qualities)),
            float(np.mean(wins)),
            eval_episodes=len(outcomes),
            env_step=monitor.env_step,
            policy=None if method == FIRST_TRY else method,
            reward_std=float(np.std(rewards)),
            quality_std=float(np.std(qualities)),
            items={
                logo: {"reward": one.reward, "quality": one.quality, "svg_bytes": one.size_bytes}
                for logo, one in outcomes.items()
            },
            extra={"byte_ratio": summary.byte_ratio.mean, "agent": method in agents},
        )


def save_evaluations(path: Path, evaluations: Sequence[LogoEvaluation]) -> None:
    """Write the results of each logo as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "logo": evaluation.logo,
            "category": evaluation.category,
            "outcomes": {method: asdict(outcome) for method, outcome in evaluation.outcomes.items()},
            "search_curve": evaluation.search_curve.tolist(),
        }
        for evaluation in evaluations
    ]
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
