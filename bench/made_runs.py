"""Generate sample runs of healthy and faulty trainings without training.

python bench/made_runs.py FOLDER
"""

# ruff: noqa: PLR2004 - the numbers describe the generated trainings

import math
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from rlvitals import RecorderSettings, TrainingMonitor

TYPES = ("simple", "text", "gradient", "complex")
_EASE = {"simple": 0.28, "text": 0.1, "gradient": -0.05, "complex": -0.22}
_STEPS_OF_UPDATE = 512
_SPEED = 45.0

Shape = Callable[[float], float]


class Plan(NamedTuple):
    """Description of a run to generate.

    Attributes:
        name: Name of the run.
        episodes: Number of episodes.
        skill: Skill of the agent between 0 and 1, given the completed share of the run.
        ill: Fault of the run, or an empty text.
        finish: End of the run: `close`, `fail`, or any other value to leave it open.
        configuration: Configuration of the run.
    """

    name: str
    episodes: int
    skill: Shape
    ill: str = ""
    finish: str = "close"
    configuration: dict[str, object] = {}  # noqa: RUF012 - never modified


def rising(top: float, pace: float) -> Shape:
    """Return a curve that rises quickly at first and then more slowly."""
    return lambda share: top * (1.0 - math.exp(-pace * share))


def falling_late(top: float) -> Shape:
    """Return a curve that rises at first and drops late in the run."""
    return lambda share: top * (1.0 - math.exp(-8 * share)) * (1.0 - max(0.0, share - 0.6) * 2.0)


PLANS = (
    Plan("ppo-logos-lr3e-4", 2_400, rising(0.92, 5.0), configuration={"learning_rate": 3e-4, "seed": 0}),
    Plan("ppo-logos-lr1e-3", 2_400, rising(0.78, 9.0), configuration={"learning_rate": 1e-3, "seed": 0}),
    Plan("ppo-logos-lr1e-2", 1_500, falling_late(0.7), "kl", configuration={"learning_rate": 1e-2, "seed": 0}),
    Plan("ppo-entropy-collapse", 1_800, rising(0.45, 14.0), "entropy", configuration={"ent_coef": 0.0, "seed": 3}),
    Plan("ppo-nan-at-noon", 900, rising(0.6, 6.0), "nan", "fail", {"learning_rate": 3e-2, "seed": 4}),
    Plan("night/seed-1", 1_200, rising(0.85, 4.0), configuration={"learning_rate": 3e-4, "seed": 1}),
    Plan("night/seed-2", 1_200, rising(0.88, 4.5), configuration={"learning_rate": 3e-4, "seed": 2}),
)

STUDY = tuple(
    Plan(
        f"study/{name}-{seed}",
        700 if seed or name != "fast" else 250,
        rising(top + 0.03 * ((seed * 3) % 5), pace),
        finish="close" if seed or name != "fast" else "fail",
        configuration={**settings, "seed": seed},
    )
    for name, top, pace, settings in (
        ("base", 0.62, 5.0, {"learning_rate": 3e-4, "ent_coef": 0.0}),
        ("entropy", 0.86, 6.0, {"learning_rate": 3e-4, "ent_coef": 0.01}),
        ("fast", 0.64, 9.0, {"learning_rate": 1e-3, "ent_coef": 0.0}),
    )
    for seed in range(5)
)
"""Three configurations with five seeds each; one run failed."""


def make(folder: Path, plan: Plan, *, now: float, seed: int = 0, goal: bool = True) -> TrainingMonitor:
    """Write a run that ends at the given time, and leave it open.

    Args:
        folder: Folder of runs.
        plan: Description of the run.
        now: Time of the last record (UTC, seconds since 1970).
        seed: Seed of the noise.
        goal: Whether the run has a training budget.
    """
    rng = random.Random(f"{plan.name}{seed}")
    where = folder / plan.name
    steps = plan.episodes * 4
    monitor = TrainingMonitor(
        where.parent,
        session_name=where.name,
        project_name="vtracer-logos",
        tags=["made"],
        total_timesteps=int(steps * (1.6 if plan.finish == "stay" else 1.0)) if goal else None,
        configuration={"algorithm": "PPO", "n_envs": 4, "n_steps": 128, "gamma": 0.99, **plan.configuration},
        settings=RecorderSettings(system_interval_s=None),
        announce=False,
    )
    begun = now - steps / _SPEED
    step, update = 0, 0
    for episode in range(plan.episodes):
        share = episode / plan.episodes
        kind = TYPES[min(3, int(rng.random() ** 1.2 * 4))]
        skill = plan.skill(share) + _EASE[kind]
        length = max(1, min(8, round(rng.gauss(5 - 2 * skill, 1.2))))
        step += length
        moment = begun + (now - begun) * (episode + 1) / plan.episodes
        speckle, precision = rng.randint(0, 16), max(1, min(8, round(rng.gauss(3 + 3 * plan.skill(share), 1.5))))
        gain = 0.1 * skill - 0.004 * (precision - 6) ** 2 - 0.0006 * (speckle - 4) ** 2 + rng.gauss(0, 0.02)
        reward = 10 * gain + rng.gauss(0, 0.35)
        if plan.ill == "nan" and share > 0.97:
            reward = math.nan
        before = 0.8 + rng.gauss(0, 0.03)
        monitor.log_episode(
            episode,
            reward,
            length,
            quality_initial=before,
            quality_final=min(1.0, before + gain),
            quality_improvement=gain,
            success=reward > 0.45,
            termination_reason="success" if reward > 0.45 else "max_steps" if rng.random() < 0.85 else "no_gain",
            category=kind,
            difficulty="hard" if kind == "complex" else "easy",
            duration=abs(rng.gauss(0.09, 0.02)),
            env_step=step,
            env_index=episode % 4,
            time=moment,
            parameters={
                "filter_speckle": speckle,
                "color_precision": precision,
                "corner_threshold": rng.randint(20, 120),
                "length_threshold": round(rng.uniform(3.5, 10), 2),
                "mode": rng.choice(["spline", "polygon"]),
            },
            reward_parts={"quality": 8 * gain, "size": reward - 8 * gain - 0.02, "speed": 0.02},
        )
        if step >= (update + 1) * _STEPS_OF_UPDATE // 4:
            update += 1
            _log_update(monitor, plan, rng, share=share, step=step, update=update, moment=moment)
    for name, level in (("VTracer's defaults", 0.0), ("random search of 32", 0.31)):
        _log_evaluation(monitor, rng, plan.episodes, step, now, level, policy=name)
    for tenth in range(1, 11):
        at = int(plan.episodes * tenth / 10)
        moment = begun + (now - begun) * tenth / 10
        _log_evaluation(monitor, rng, at, step * tenth // 10, moment, 0.55 * plan.skill(tenth / 10), policy=None)
    monitor.log_event("note", "Began with the reward weights of last week.", time=begun, env_step=0)
    monitor.log_event("milestone", "first success at episode 31", time=begun + 60, env_step=130)
    _log_pictures(monitor, step, now)
    return monitor


def end(monitor: TrainingMonitor, plan: Plan) -> None:
    """End a run as its plan describes."""
    if plan.finish == "close":
        monitor.close()
    elif plan.finish == "fail":
        monitor.fail(FloatingPointError("the policy's loss is NaN after update 38"))


def _log_update(
    monitor: TrainingMonitor, plan: Plan, rng: random.Random, *, share: float, step: int, update: int, moment: float
) -> None:
    ill = plan.ill if share > 0.55 else ""
    entropy = 3.2 * math.exp(-0.9 * share) if plan.ill != "entropy" else 3.2 * math.exp(-9 * share) + 0.002
    monitor.log_training_step(
        step,
        policy_loss=math.nan if plan.ill == "nan" and share > 0.95 else rng.gauss(-0.012, 0.006),
        value_loss=(0.9 * math.exp(-3 * share) + 0.08) * rng.lognormvariate(0, 0.15),
        entropy=entropy + rng.gauss(0, 0.02 if plan.ill != "entropy" else 0.0005),
        kl_divergence=abs(rng.gauss(0.35 if ill == "kl" else 0.011, 0.003 if ill != "kl" else 0.09)),
        clip_fraction=min(1.0, abs(rng.gauss(0.62 if ill == "kl" else 0.12, 0.03))),
        explained_variance=min(0.99, 0.9 * (1 - math.exp(-5 * share)) + rng.gauss(0, 0.03))
        - (0.7 if ill == "kl" else 0),
        learning_rate=float(str(plan.configuration.get("learning_rate", 3e-4))) * (1 - 0.9 * share),
        gradient_norm=abs(rng.gauss(0.6, 0.12)) * (9 if ill == "kl" else 1),
        gradient_norm_limit=0.5,
        clip_range=0.2,
        advantage_std=1.0 + rng.gauss(0, 0.05),
        env_step=step,
        update=update,
        time=moment,
        epochs=10,
    )


def _log_evaluation(
    monitor: TrainingMonitor,
    rng: random.Random,
    episode: int,
    step: int,
    moment: float,
    level: float,
    *,
    policy: str | None,
) -> None:
    items = {
        f"{kind}-{number:02d}": {"reward": level + _EASE[kind] * 0.4 + rng.gauss(0, 0.1), "quality": 0.85 + level / 10}
        for kind in TYPES
        for number in range(6)
    }
    rewards = [item["reward"] for item in items.values()]
    monitor.log_evaluation(
        episode,
        sum(rewards) / len(rewards),
        0.85 + level / 10,
        sum(reward > 0.2 for reward in rewards) / len(rewards),
        eval_episodes=len(items),
        env_step=step,
        time=moment,
        policy=policy,
        items=items,
    )


def _log_pictures(monitor: TrainingMonitor, step: int, moment: float) -> None:
    if not hasattr(monitor, "log_image"):
        return
    size = 96
    across, down = np.meshgrid(np.linspace(-1, 1, size), np.linspace(-1, 1, size))
    for number, kind in enumerate(TYPES):
        ring = np.abs(np.hypot(across, down) - 0.55) < 0.12 + 0.05 * number
        shades = np.stack([np.where(ring, value, 250) for value in (40 + 50 * number, 110, 200 - 40 * number)], axis=-1)
        logo = shades.astype(np.uint8)
        for part, levels, gone in (
            ("original", 256, 0),
            ("VTracer's defaults", 4, 9_400),
            ("the agent's trace", 12, 5_100),
        ):
            coarse = (logo // (256 // levels) * (256 // levels)).astype(np.uint8)
            metrics = {"quality": 1.0 if not gone else 0.9 + levels / 200, "svg_bytes": gone} if gone else None
            monitor.log_image(part, coarse, group=f"{kind}-01", env_step=step, metrics=metrics, time=moment)


def main() -> None:
    """Generate all runs."""
    folder = Path(sys.argv[1])
    now = time.time()
    for place, plan in enumerate(PLANS + STUDY):
        end(make(folder, plan, now=now - 3_600 * place), plan)
    print(f"{len(PLANS + STUDY)} runs in {folder}")


if __name__ == "__main__":
    main()
