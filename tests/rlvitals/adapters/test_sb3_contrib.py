"""Algorithms of sb3-contrib: what the callback records of each."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv

from rlvitals import RecorderSettings, open_run
from rlvitals.adapters.sb3 import VitalsCallback
from rlvitals.diagnosis.families import family_of

sb3_contrib = pytest.importorskip("sb3_contrib", reason="needs the versions of constraints.txt")

STEPS = 64
_ON_POLICY = {"n_steps": 16, "batch_size": 16}
_OFF_POLICY = {"learning_starts": 10, "buffer_size": 100, "batch_size": 8}
_ROLLOUT = {
    "advantage_mean", "advantage_std", "return_mean", "return_std", "value_mean", "reward_mean", "update", "duration",
    "value_loss", "explained_variance", "learning_rate",
}  # fmt: skip
_PPO = _ROLLOUT | {
    "policy_loss", "entropy", "kl_divergence", "clip_fraction", "clip_range", "loss", "epochs", "gradient_norm",
    "gradient_norm_max", "gradient_norm_limit",
}  # fmt: skip


class Case(NamedTuple):
    """Algorithm with small options, and what its run holds."""

    algorithm: str
    policy: str
    options: dict[str, Any]
    family: str
    fields: set[str]
    extra: set[str]
    settings: set[str]
    updates: int = 1
    continuous: bool = False


CASES = [
    Case("RecurrentPPO", "MlpLstmPolicy", _ON_POLICY, "ppo", _PPO, {"advantage_residual"}, {"clip_range"}, 2),
    Case("MaskablePPO", "MlpPolicy", _ON_POLICY, "ppo", _PPO, {"advantage_residual"}, {"clip_range"}, 2),
    Case(
        "TRPO", "MlpPolicy", _ON_POLICY, "trpo", _ROLLOUT | {"policy_loss", "kl_divergence"},
        {"is_line_search_success", "advantage_residual"}, {"target_kl", "n_critic_updates"}, 2,
    ),
    Case(
        "TQC", "MlpPolicy", _OFF_POLICY, "sac", {"learning_rate"},
        {"ent_coef", "ent_coef_loss", "actor_loss", "critic_loss"}, {"target_entropy", "buffer_size"}, continuous=True,
    ),
    Case("QRDQN", "MlpPolicy", _OFF_POLICY, "dqn", {"learning_rate", "loss"}, set(), {"exploration_final_eps"}),
    Case("ARS", "LinearPolicy", {"n_delta": 2}, "search", set(), set(), {"n_delta", "n_top", "delta_std"}, 0),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.algorithm for case in CASES])
def test_what_is_recorded_of_each_algorithm(case: Case, walk: Any, tmp_path: Any, settings: RecorderSettings) -> None:
    """Every episode, evaluation and setting is recorded, and the logged values of each update under their fields."""

    class MaskedWalk(walk):  # type: ignore[misc] # a fixture
        def action_masks(self) -> Any:
            return np.array([True, True])

    def environments(number: int) -> DummyVecEnv:
        return DummyVecEnv([lambda: Monitor(MaskedWalk(continuous=case.continuous))] * number)

    kind = getattr(sb3_contrib, case.algorithm)
    network = {} if case.algorithm == "ARS" else {"policy_kwargs": {"net_arch": [8]}}
    model = kind(case.policy, environments(1 + bool(network)), device="cpu", seed=1, **case.options, **network)
    evaluate = EvalCallback(environments(1), eval_freq=16, n_eval_episodes=2, verbose=0, warn=False)
    model.learn(STEPS, callback=[VitalsCallback(tmp_path, session_name="run", settings=settings), evaluate])

    run = open_run(tmp_path / "run")
    updates = list(run.records("updates"))
    unset = {"time", "writer", "step", "env_step", "extra"}
    fields = {name for u in updates for name in set(u.__struct_fields__) - unset if getattr(u, name) is not None}
    adapter_events = [event.message for event in run.records("events") if event.kind == "adapter"]
    assert [(e.reward, e.length) for e in run.records("episodes")] == [(4.0, 4)] * (STEPS // 4)
    assert (len(updates), fields) == (case.updates, case.fields)
    assert all(case.extra <= (u.extra or {}).keys() for u in updates)
    assert [e.episodes for e in run.records("evaluations")] == [2] * (2 if network else 4)
    assert case.settings <= run.header.configuration.keys()
    assert family_of(run.header.configuration).name == case.family
    assert [said.partition(" ")[2].partition(" ")[0] for said in adapter_events] == (
        [] if network else ["does", "update"]
    )
