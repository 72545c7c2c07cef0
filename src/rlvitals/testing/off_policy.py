"""Synthetic off-policy training runs: a warm-up with random actions, a dip after the first updates, then learning."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from rlvitals.diagnosis import Context, Evidence, EvidenceBuilder, hyperparameters_of
from rlvitals.records import Episode, PolicyUpdate, Record

_BEGAN = 1_700_000_000.0
_RANDOM_S, _TRAINING_S = 0.0005, 0.006
"""Seconds per step with random actions only, and with updates."""
_UPDATE_INTERVAL = 250


class ReturnCurve(NamedTuple):
    """Returns of a task.

    Attributes:
        random: Mean and standard deviation of the return with random actions.
        dip: Mean and standard deviation of the return just after the first updates.
        best: Mean and standard deviation of the return when the task is learnt.
        length: Steps per episode, or `None` if each step has a reward of 1, so that the return is the length.
    """

    random: tuple[float, float]
    dip: tuple[float, float]
    best: tuple[float, float]
    length: int | None = None


CURVES = {
    "DQN": ReturnCurve((22.0, 10.0), (9.5, 0.8), (300.0, 40.0)),
    "SAC": ReturnCurve((-1200.0, 250.0), (-1400.0, 150.0), (-150.0, 80.0), 200),
    "TD3": ReturnCurve((-180.0, 90.0), (-300.0, 110.0), (220.0, 90.0), 150),
}
"""Return curves by algorithm, similar to those of CartPole, Pendulum and LunarLander."""


class OffPolicyTraining:
    """A synthetic off-policy training run, with the records that its training loop would log.

    Args:
        algorithm: Algorithm, a key of `CURVES`.
        warm_up: Share of the steps with random actions and without updates, 0 to 1.
        dip: Share of the remaining steps with returns below those of random actions, 0 to 1.
        learns: Whether returns rise after the dip. Otherwise they stay in the dip.
        configured: Whether the configuration includes the algorithm and its settings.
        logs_updates: Whether updates are logged in addition to episodes.
        steps: Number of environment steps.
        seed: Random seed.
    """

    def __init__(
        self,
        algorithm: str = "DQN",
        *,
        warm_up: float = 0.1,
        dip: float = 0.1,
        learns: bool = True,
        configured: bool = True,
        logs_updates: bool = True,
        steps: int = 20_000,
        seed: int = 0,
    ) -> None:
        self.total_timesteps: int | None = steps
        self.configuration: dict[str, Any] = {}
        if configured:
            self.configuration = {"algorithm": algorithm, "learning_starts": int(warm_up * steps), "gamma": 0.99}
            self.configuration |= {"ent_coef": "auto_0.1"} if algorithm == "SAC" else {}
        self._algorithm, self._curve, self._steps = algorithm, CURVES[algorithm], steps
        self._warm_up, self._dip, self._learns = warm_up, dip, learns
        self._logs_updates = logs_updates
        self._generator = np.random.default_rng(seed)
        self._records = list(self._made())

    def evidence(self, share: float = 1.0) -> Evidence:
        """Return the evidence for the diagnosis after the first part of the training.

        Args:
            share: Share of the training, 0 to 1.
        """
        collector = EvidenceBuilder()
        for step, record in self._records:
            if step <= share * self._records[-1][0]:
                collector.add(record)
        status = "completed" if share >= 1.0 else "running"
        settings = hyperparameters_of(self.configuration)
        return collector.evidence(Context(settings=settings, total_timesteps=self.total_timesteps, status=status))

    def _made(self) -> Iterator[tuple[int, Record]]:
        step, time, due, episode = 0, _BEGAN, _UPDATE_INTERVAL, 0
        starts = self._warm_up * self._steps
        while step < self._steps:
            reward = self._reward(step / self._steps)
            length = max(1, int(reward)) if self._curve.length is None else self._curve.length
            pace = _RANDOM_S if step < starts else _TRAINING_S * self._generator.uniform(0.8, 1.2)
            step, time = step + length, time + length * pace
            yield step, Episode(time=time, episode=episode, reward=reward, length=length, env_step=step)
            episode += 1
            while due <= step:
                if self._logs_updates and due > starts:
                    yield step, PolicyUpdate(time=time, step=due, env_step=due, **self._losses(due))
                due += _UPDATE_INTERVAL

    def _reward(self, along: float) -> float:
        trained = (along - self._warm_up) / (1.0 - self._warm_up)
        mean, deviation = self._curve.random
        if trained >= 0.0:
            mean, deviation = self._curve.dip
        if trained >= self._dip and self._learns:
            risen = min(1.0, 2.0 * (trained - self._dip))
            mean = self._curve.random[0] + risen * (self._curve.best[0] - self._curve.random[0])
            deviation = self._curve.best[1]
        reward = float(self._generator.normal(mean, deviation))
        return max(8.0, round(reward)) if self._curve.length is None else reward

    def _losses(self, step: int) -> dict[str, Any]:
        noise = float(self._generator.normal())
        if self._algorithm == "DQN":
            return {"loss": 0.3 + 0.03 * noise, "learning_rate": 1e-4}
        losses = {"policy_loss": 80.0 + 5.0 * noise, "value_loss": 5.0 + noise, "learning_rate": 3e-4}
        # The entropy of SAC falls to its target by design.
        return losses | (
            {"entropy": 1.4 - 6.0 * min(1.0, 4.0 * step / self._steps)} if self._algorithm == "SAC" else {}
        )
