"""Create trainings for `bench/diagnosis.py`, healthy and with one fault each, with Stable-Baselines3 and the callback.

    python bench/faults.py OUT [--environments Acrobot-v1,PointReach] [--steps 40000] [--only healthy,gae_bug]

Writes OUT/NAME/run.json, episodes.parquet, updates.parquet and evaluations.parquet, and OUT/labels.json. Each
environment is trained with reasonable variations of the hyperparameters (healthy) and with every fault of `FAULTS`.

A fault manifests by definition, or if the final evaluation in the unmodified environment is below 60 % of the way from
the untrained policy to the median healthy policy. A healthy training that ends below half of that way is labelled
ambiguous. `PointReach` is a small environment defined here: the agent moves a point to a goal with continuous actions,
and `info` reports success.
"""
# ruff: noqa: PLR2004 -- sizes of faults

import argparse
import json
import math
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import duckdb
import gymnasium
import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from rlvitals.adapters.sb3 import VitalsCallback
from rlvitals.runs import Run

Env = gymnasium.Env[Any, Any]
ENVIRONMENTS = 4
EVALUATIONS = 10


class PointReach(Env):
    """Move a point in a square to a goal. The reward is the decrease in distance, and 1 at the goal."""

    observation_space = gymnasium.spaces.Box(-2.0, 2.0, (4,), np.float32)
    action_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    limit = 60

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Place the point and the goal at random positions."""
        super().reset(seed=seed, options=options)
        self.place, self.goal = self.np_random.uniform(-1.0, 1.0, (2, 2))
        self.steps = 0
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Move the point."""
        before = float(np.linalg.norm(self.goal - self.place))
        self.place = np.clip(self.place + 0.1 * np.clip(action, -1.0, 1.0), -1.5, 1.5)
        after = float(np.linalg.norm(self.goal - self.place))
        self.steps += 1
        there = after < 0.1
        over = there or self.steps >= self.limit
        info = {"is_success": there} if over else {}
        return self._seen(), before - after - 0.01 + float(there), there, over and not there, info

    def _seen(self) -> Any:
        return np.concatenate((self.place, self.goal - self.place)).astype(np.float32)


class Changed(gymnasium.Wrapper[Any, Any, Any, Any]):
    """An environment with a fault.

    Args:
        env: Environment to modify.
        reward: Function that changes a reward.
        observe: Function that changes an observation, given the total number of steps.
        ends: Whether to report time limits as terminations.
        resets: Whether `reset` resets the environment.
        slow: Function for the extra seconds per step, given the total number of steps.
        begins: Steps of this environment before the fault. Step counts start there.
    """

    def __init__(
        self,
        env: Env,
        *,
        reward: Callable[[float], float] = lambda reward: reward,
        observe: Callable[[Any, int], Any] = lambda seen, _: seen,
        ends: bool = False,
        resets: bool = True,
        slow: Callable[[int], float] = lambda _: 0.0,
        begins: float = 0.0,
    ) -> None:
        super().__init__(env)
        self._reward, self._observe, self._ends, self._resets, self._slow = reward, observe, ends, resets, slow
        self._steps = -int(begins)
        self._last: Any = None

    def reset(self, **options: Any) -> tuple[Any, dict[str, Any]]:
        """Reset the environment, or only pretend to."""
        if self._last is not None and not self._resets:
            return self._last, {}
        seen, info = self.env.reset(**options)
        self._last = self._observe(seen, self._steps)
        return self._last, info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a step with the fault applied."""
        seen, reward, terminated, truncated, info = self.env.step(action)
        self._steps += 1
        time.sleep(self._slow(self._steps))
        self._last = self._observe(seen, self._steps)
        if not self._resets and self._steps > 300:
            terminated = True
        if self._ends and truncated:
            terminated, truncated = True, False
        return self._last, self._reward(float(reward)), terminated, truncated, info


class Sabotage(BaseCallback):
    """A callback that modifies the model after a share of the budget."""

    def __init__(self, act: Callable[[PPO], None], share: float, total: int) -> None:
        super().__init__()
        self._act, self._at = act, share * total

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._at and isinstance(self.model, PPO):
            self._act(self.model)
            self._at = math.inf
        return True


class Fault(NamedTuple):
    """A fault: other settings, a changed environment, or a modification of the model after a share of the budget."""

    settings: Mapping[str, Any] = MappingProxyType({})
    change: Mapping[str, Any] = MappingProxyType({})
    act: Callable[[PPO], None] | None = None
    share: float = 0.0
    by_definition: bool = False


def zero(model: PPO) -> None:
    """Set all weights to zero."""
    with torch.no_grad():
        for weight in model.policy.parameters():
            weight.zero_()


def corrupt(model: PPO) -> None:
    """Add large random values to the weights."""
    with torch.no_grad():
        for weight in model.policy.parameters():
            weight.add_(2.0 * torch.randn_like(weight))


def freeze_critic(model: PPO) -> None:
    """Freeze the critic."""
    for part in (model.policy.value_net, model.policy.mlp_extractor.value_net):
        for weight in part.parameters():
            weight.requires_grad = False


def after_advantages(change: Callable[[Any], None]) -> Callable[[PPO], None]:
    """Return a function that changes the buffer's advantages after their computation."""

    def act(model: PPO) -> None:
        buffer = model.rollout_buffer
        compute = buffer.compute_returns_and_advantage

        def changed(*args: Any, **options: Any) -> None:
            compute(*args, **options)
            change(buffer)

        buffer.compute_returns_and_advantage = changed  # type: ignore[method-assign]

    return act


def shuffle(buffer: Any) -> None:
    """Assign the advantages to other samples."""
    np.random.default_rng(0).shuffle(buffer.advantages)


def flip(buffer: Any) -> None:
    """Flip the sign of the advantages, so that the policy descends instead of ascending."""
    buffer.advantages *= -1.0


def never_renewed(model: PPO) -> None:
    """Train on an old rollout most of the time."""
    buffer, kept, count = model.rollout_buffer, {}, 0
    names = ("observations", "actions", "rewards", "returns", "episode_starts", "values", "log_probs", "advantages")
    compute = buffer.compute_returns_and_advantage

    def changed(*args: Any, **options: Any) -> None:
        nonlocal count
        compute(*args, **options)
        if count % 10 == 0:
            kept.update({name: getattr(buffer, name).copy() for name in names})
        for name, value in kept.items():
            setattr(buffer, name, value.copy())
        count += 1

    buffer.compute_returns_and_advantage = changed  # type: ignore[method-assign]


FAULTS: dict[str, Fault] = {
    "lr_too_high": Fault({"learning_rate": 0.1}),
    "lr_too_low": Fault({"learning_rate": 1e-6}),
    "lr_decay_early": Fault({"learning_rate": lambda left: 1e-3 if left > 0.7 else 0.0}, share=0.3),
    "ent_coef_too_high": Fault({"ent_coef": 1.0}),
    "entropy_collapse": Fault({"ent_coef": -0.5}, by_definition=True),
    "value_broken": Fault(act=freeze_critic),
    "gamma_wrong": Fault({"gamma": 0.0}),
    "kl_blowup": Fault({"clip_range": 100.0, "n_epochs": 30, "learning_rate": 5e-3, "max_grad_norm": 10.0}),
    "grad_explosion": Fault({"max_grad_norm": 1e9, "learning_rate": 0.03}, {"reward": lambda reward: 1000.0 * reward}),
    "reward_scale_huge": Fault(change={"reward": lambda reward: 1e4 * reward}),
    "reward_scale_tiny": Fault(change={"reward": lambda reward: 1e-6 * reward}),
    "reward_constant": Fault(change={"reward": lambda _: 0.0}),
    "reward_sign_flipped": Fault(change={"reward": lambda reward: -reward}),
    "obs_frozen": Fault(change={"observe": lambda seen, _: np.zeros_like(seen)}),
    "obs_nan": Fault(change={"observe": lambda seen, steps: seen * np.nan if steps > 0 else seen}, share=0.5),
    "env_never_resets": Fault(change={"resets": False}),
    "trunc_as_terminal": Fault(change={"ends": True}, by_definition=True),
    "throughput_collapse": Fault(
        change={"slow": lambda steps: 0.002 if steps > 0 else 0.0}, share=0.5, by_definition=True
    ),
    "dead_network": Fault(act=zero),
    "midrun_collapse": Fault(act=corrupt, share=0.6),
    "gae_bug": Fault(act=after_advantages(shuffle)),
    "pg_sign_flipped": Fault(act=after_advantages(flip)),
    "stale_data_reuse": Fault(act=never_renewed, by_definition=True),
}  # fmt: skip

HEALTHY: dict[str, dict[str, Any]] = {
    "base": {},
    "low rate": {"learning_rate": 3e-4},
    "linear": {"learning_rate": lambda left: 1e-3 * left},
    "relu": {"policy_kwargs": {"activation_fn": torch.nn.ReLU}},
    "long rollouts": {"n_steps": 512, "batch_size": 256},
    "entropy bonus": {"ent_coef": 0.01},
    "target_kl": {"target_kl": 0.03},
    "noisy reward": {},
}


def made(environment: str, change: dict[str, Any]) -> Callable[[], Env]:
    """Return a function that creates the environment."""

    def make() -> Env:
        env: Env = PointReach() if environment == "PointReach" else gymnasium.make(environment)
        return Monitor(Changed(env, **change) if change else env)

    return make


def evaluated(model: PPO, environment: str, episodes: int = 5) -> tuple[float, float]:
    """Return the mean return and length of the deterministic policy in the unmodified environment."""
    env, rewards, lengths = made(environment, {})(), [], []
    for seed in range(episodes):
        seen, _ = env.reset(seed=10_000 + seed)
        done, total, steps = False, 0.0, 0
        while not done:
            seen, reward, terminated, truncated, _ = env.step(model.predict(seen, deterministic=True)[0])
            done, total, steps = terminated or truncated, total + float(reward), steps + 1
        rewards.append(total)
        lengths.append(steps)
    return statistics.fmean(rewards), statistics.fmean(lengths)


class Evaluator(BaseCallback):
    """A callback that evaluates ten times per budget and logs the results."""

    def __init__(self, vitals: VitalsCallback, environment: str, total: int) -> None:
        super().__init__()
        self._vitals, self._environment, self._every = vitals, environment, total // EVALUATIONS
        self._due = self._every

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._due and isinstance(self.model, PPO):
            reward, length = evaluated(self.model, self._environment)
            self._vitals.monitor.log_evaluation(0, reward, None, None, 5, env_step=self.num_timesteps, length=length)
            self._due += self._every
        return True


def train(
    out: Path, environment: str, name: str, fault: Fault, settings: dict[str, Any], total: int, seed: int
) -> float:
    """Train once and write the training to the corpus.

    Returns:
        Final evaluation, or NaN if the training failed.
    """
    change = dict(fault.change)
    if change:
        change["begins"] = fault.share * total / ENVIRONMENTS
    if name.startswith("healthy-noisy"):
        noise = np.random.default_rng(seed)
        change["reward"] = lambda reward: reward + 0.2 * float(noise.standard_normal())
    env = DummyVecEnv([made(environment, change)] * ENVIRONMENTS)
    base: dict[str, Any] = {"n_steps": 128, "batch_size": 64, "learning_rate": 1e-3, "gamma": 0.99}
    model = PPO("MlpPolicy", env, seed=seed, device="cpu", **{**base, **settings, **fault.settings})
    error: Exception | None = None
    with tempfile.TemporaryDirectory() as place:
        vitals = VitalsCallback(place, session_name=name, total_timesteps=total)
        callbacks: list[BaseCallback] = [vitals, Evaluator(vitals, environment, total)]
        if fault.act is not None and fault.share:
            callbacks.append(Sabotage(fault.act, fault.share, total))
        elif fault.act is not None:
            fault.act(model)
        began = time.time()
        try:
            with vitals:
                model.learn(total, callback=callbacks)
        except ValueError as broken:  # raised by torch for NaN
            error = broken
        write(out / name, Run(Path(place) / name), environment, model, total, began, error)
    return math.nan if error else evaluated(model, environment)[0]


def write(
    folder: Path, run: Run, environment: str, model: PPO, total: int, began: float, error: Exception | None
) -> None:
    """Write a run folder in the format of the corpus. Each entry of `extra` becomes a column."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {
        "kl_divergence": "approx_kl",
        "gradient_norm": "grad_norm",
        "gradient_norm_max": "grad_norm_max",
        "action_bound_fraction": "action_bound_frac",
        "reward_mean": "reward_mean_step",
        "epochs": "n_epochs",
    }
    streams: dict[str, list[dict[str, Any]]] = {"episodes": [], "updates": [], "evaluations": []}
    for record in run.records("episodes"):
        streams["episodes"].append({
            "episode": record.episode, "env_step": record.env_step, "wall_time": record.time - began,
            "reward": record.reward, "length": record.length, "termination_reason": record.termination_reason,
            "success": record.success,
        })  # fmt: skip
    for record in run.records("updates"):
        fields = {name: getattr(record, name) for name in record.__struct_fields__}
        extra = fields.pop("extra") or {}
        row = {"env_step": fields.pop("env_step"), "wall_time": fields.pop("time") - began}
        del fields["writer"], fields["step"]
        row |= {names.get(name, name): value for name, value in fields.items() if value is not None}
        row |= {name: float(value) for name, value in extra.items() if isinstance(value, int | float)}
        streams["updates"].append(row)
    for record in run.records("evaluations"):
        streams["evaluations"].append({
            "env_step": record.env_step, "wall_time": record.time - began, "mean_reward": record.reward,
            "mean_length": record.length, "n_episodes": record.episodes,
        })  # fmt: skip
    for stream, rows in streams.items():
        columns = list(dict.fromkeys(name for row in rows for name in row))
        lines = "\n".join(json.dumps({name: _spelled(row.get(name)) for name in columns}) for row in rows)
        source = folder / f"{stream}.jsonl"
        source.write_text(lines)
        kinds = {name: _sql(rows, name) for name in columns}
        if columns:
            duckdb.execute(
                f"COPY (SELECT * FROM read_json('{source}', columns={kinds}, format='newline_delimited')) "  # noqa: S608 - own file
                f"TO '{folder / stream}.parquet'"
            )
        source.unlink()
    header = run.header
    facts = {
        "environment": environment, "library": "stable-baselines3", "total_timesteps": total,
        "timesteps_done": model.num_timesteps, "status": "crashed" if error else "completed",
        "error": None if error is None else f"{type(error).__name__}: {error}", "hyperparameters": header.configuration,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts, indent=1))


def _spelled(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _sql(rows: list[dict[str, Any]], name: str) -> str:
    value = next((row[name] for row in rows if row.get(name) is not None), None)
    return "BOOLEAN" if isinstance(value, bool) else {int: "BIGINT", str: "VARCHAR"}.get(type(value), "DOUBLE")


def main() -> None:
    """Run all trainings and write the labels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--environments", default="PointReach,Acrobot-v1")
    parser.add_argument("--steps", type=int, default=40_000)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--only", default="", help="comma-separated faults, and `healthy` for healthy trainings")
    options = parser.parse_args()
    torch.set_num_threads(1)
    wanted = set(filter(None, options.only.split(",")))
    known = options.out / "labels.json"
    labels: dict[str, dict[str, Any]] = json.loads(known.read_text()) if known.is_file() else {}
    for environment in options.environments.split(","):
        plans: list[tuple[str | None, str, Fault, dict[str, Any]]] = []
        if not wanted or "healthy" in wanted:
            plans += [(None, variant, Fault(), settings) for variant, settings in HEALTHY.items()]
        plans += [(fault, "", plan, {}) for fault, plan in FAULTS.items() if not wanted or fault in wanted]
        for seed in range(options.seeds):
            for fault, variant, plan, settings in plans:
                name = f"{fault or 'healthy-' + variant.replace(' ', '_')}-{environment}-{seed}"
                if name in labels:
                    continue
                shutil.rmtree(options.out / name, ignore_errors=True)
                final = train(options.out, environment, name, plan, settings, options.steps, seed)
                labels[name] = {
                    "fault": fault, "variant": variant, "environment": environment, "library": "stable-baselines3",
                    "onset_step": int(plan.share * options.steps), "by_definition": plan.by_definition, "final": final,
                }  # fmt: skip
                print(f"{name}: {final:.3g}", flush=True)
                untrained = evaluated(PPO("MlpPolicy", made(environment, {})(), seed=seed, device="cpu"), environment)[
                    0
                ]
                judge(labels, environment, untrained)
                known.write_text(json.dumps(labels, indent=1))


def judge(labels: dict[str, dict[str, Any]], environment: str, untrained: float) -> None:
    """Label each training of an environment: whether its fault manifests, or whether a healthy one is ambiguous."""
    here = [label for label in labels.values() if label["environment"] == environment]
    healthy = [label["final"] for label in here if label["fault"] is None]
    if not healthy:
        return
    reference = statistics.median(healthy)
    for label in here:
        way = (label["final"] - untrained) / (reference - untrained) if reference != untrained else math.nan
        label["manifests"] = bool(label["fault"]) and (label["by_definition"] or not way > 0.6)
        label["ambiguous"] = label["fault"] is None and not way > 0.5


if __name__ == "__main__":
    main()
