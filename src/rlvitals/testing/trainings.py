"""Synthetic PPO training runs as arrays, healthy unless a test changes them."""

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rlvitals.diagnosis import Context, Evidence, EvidenceBuilder, hyperparameters_of
from rlvitals.records import Episode, Evaluation, PolicyUpdate, Record, SystemSample

Array = NDArray[Any]

_EPISODES_AN_UPDATE = 5
_BEGAN = 1_700_000_000.0


class MadeTraining:
    """A synthetic training run that learns: two actions, returns from 20 to about 200, all signals healthy.

    `episodes` and `updates` contain one array per record field. A field with `None` is not reported, and `extra` has
    custom metrics of the updates. All arrays can be changed before `records` is called.

    Args:
        updates: Number of updates, with five episodes each.
        seed: Random seed of the noise.
        continuous: Whether actions are continuous (Gaussian, three dimensions) instead of discrete.
    """

    def __init__(self, updates: int = 60, *, seed: int = 0, continuous: bool = False) -> None:
        generator = np.random.default_rng(seed)
        self.generator = generator
        count = updates * _EPISODES_AN_UPDATE
        at = np.linspace(0.0, 1.0, count)
        level = 20.0 + 180.0 / (1.0 + np.exp(-12.0 * (at - 0.35)))
        reward = level * (1.0 + 0.25 * generator.standard_normal(count))
        self.steps_an_update = 500
        steps = (np.arange(count) + 1) * self.steps_an_update // _EPISODES_AN_UPDATE
        self.episodes: dict[str, Any] = {
            "env_step": steps,
            "time": _BEGAN + steps / 1000.0,
            "reward": reward,
            "length": np.maximum(2, np.round(level + 5.0 * generator.standard_normal(count))),
            "termination_reason": np.array(["terminated"] * count),
            "success": None,
            "quality_improvement": None,
            "category": None,
        }
        along = np.linspace(0.0, 1.0, updates)

        def noise(size: float) -> Array:
            return 1.0 + size * generator.standard_normal(updates)

        done = (np.arange(updates) + 1) * self.steps_an_update
        returns = 10.0 + 30.0 / (1.0 + np.exp(-12.0 * (along - 0.35)))
        entropy = 3.0 * (1.42 - 0.5 * along) if continuous else 0.69 - 0.4 * along
        self.updates: dict[str, Any] = {
            "step": done,
            "time": _BEGAN + done / 1000.0,
            "policy_loss": -0.006 * noise(0.2),
            "value_loss": 20.0 * (1.1 - along) * noise(0.1),
            "entropy": entropy * noise(0.005),
            "kl_divergence": 0.01 * noise(0.2),
            "clip_fraction": 0.1 * noise(0.2),
            "explained_variance": 0.9 * (1.0 - np.exp(-10.0 * along)) + 0.03 * generator.standard_normal(updates),
            "learning_rate": np.full(updates, 3e-4),
            "gradient_norm": 2.0 * noise(0.2),
            "gradient_norm_limit": np.full(updates, 0.5),
            "clip_range": np.full(updates, 0.2),
            "action_std": np.exp(-0.5 * along) if continuous else None,
            "action_bound_fraction": 0.1 * noise(0.1) if continuous else None,
            "advantage_mean": 0.1 * generator.standard_normal(updates),
            "advantage_std": 2.0 * noise(0.1),
            "value_mean": returns - 0.1,
            "return_mean": returns,
            "epochs": np.full(updates, 10.0),
        }
        self.extra: dict[str, Array] = {}
        self.memory: Array | None = (
            300.0 + 0.2 * np.sqrt(np.arange(updates)) + 0.05 * generator.standard_normal(updates)
        )
        self.evaluations: dict[str, Any] = {
            "env_step": done[5::6],
            "reward": 1.1 * level[_EPISODES_AN_UPDATE * 6 - 1 :: _EPISODES_AN_UPDATE * 6],
            "length": level[_EPISODES_AN_UPDATE * 6 - 1 :: _EPISODES_AN_UPDATE * 6],
            "success_rate": None,
        }
        self.by_item: list[Evaluation] = []
        self.configuration: dict[str, Any] = {
            "learning_rate": 3e-4,
            "n_epochs": 10,
            "batch_size": 50,
            "gamma": 0.99,
            "gae_lambda": 0.95,
            "ent_coef": 0.0,
            "vf_coef": 0.5,
            "clip_range": 0.2,
            "max_grad_norm": 0.5,
            "action_kind": "continuous" if continuous else "discrete",
            "action_dimension": 3 if continuous else 1,
            **({} if continuous else {"action_count": 2}),
        }
        self.total_timesteps: int | None = int(done[-1])
        self.facts: dict[str, Any] = {"status": "completed"}

    @property
    def along(self) -> Array:
        """Progress of the training at each update, 0 to 1, shape `(updates,)`."""
        return np.linspace(0.0, 1.0, len(self.updates["step"]))

    @property
    def episodes_along(self) -> Array:
        """Progress of the training at each episode, 0 to 1, shape `(episodes,)`."""
        return np.linspace(0.0, 1.0, len(self.episodes["env_step"]))

    def set(self, stream: str, **columns: Any) -> Self:
        """Replace columns of `episodes`, `updates` or `evaluations`.

        Args:
            stream: Name of the stream.
            **columns: Arrays by name, `None` to remove a column, or a scalar to fill it.
        """
        table: dict[str, Any] = getattr(self, stream)
        size = len(table["env_step" if "env_step" in table else "step"])
        for name, column in columns.items():
            table[name] = np.full(size, column) if isinstance(column, int | float | str | bool) else column
        return self

    def configure(self, **settings: Any) -> Self:
        """Replace settings of the configuration.

        Args:
            **settings: Values by name, or `None` to remove a setting.
        """
        self.configuration |= settings
        self.configuration = {name: value for name, value in self.configuration.items() if value is not None}
        return self

    def flat(self, level: float = 20.0) -> Self:
        """Replace the returns and lengths with noise around a constant level.

        Args:
            level: Mean return and mean length.
        """
        count = len(self.episodes["env_step"])
        reward = level * (1.0 + 0.25 * self.generator.standard_normal(count))
        return self.set(
            "episodes",
            reward=reward,
            length=np.maximum(2, np.round(level + 5.0 * self.generator.standard_normal(count))),
        ).set("evaluations", reward=level, length=level)

    def evaluate(self, policy: str | None, rewards: Array, **extra: Any) -> Self:
        """Add an evaluation of single items at the end of the training.

        Args:
            policy: Name of the baseline; `None` for the agent.
            rewards: Reward of each item, shape `(items,)`.
            **extra: Further values of the evaluation, such as `attempts`.
        """
        items = {str(place): {"reward": float(reward)} for place, reward in enumerate(rewards)}
        step = int(self.updates["step"][-1])
        time = _BEGAN + step / 1000.0
        self.by_item.append(
            Evaluation(episode=0, time=time, env_step=step, policy=policy, items=items, extra=extra or None)
        )
        return self

    def records(self, share: float = 1.0) -> Iterator[Record]:
        """Yield the records of the first part of the training, in the order in which a training loop logs them.

        Args:
            share: Share of the training, 0 to 1.
        """
        until = share * float(self.updates["step"][-1])
        found: list[tuple[float, int, Record]] = []
        for row in _rows(self.episodes):
            number = len(found)
            found.append((row["env_step"], 0, Episode(episode=number, **{**row, "length": int(row["length"])})))
        for place, row in enumerate(_rows(self.updates)):
            extra: dict[str, Any] = {name: float(column[place]) for name, column in self.extra.items()}
            found.append((row["step"], 1, PolicyUpdate(extra=extra or None, **row)))
            if self.memory is not None:
                sample = SystemSample(time=row["time"], env_step=row["step"], memory=float(self.memory[place]))
                found.append((row["step"], 2, sample))
        found += [
            (row["env_step"], 3, Evaluation(episode=0, time=_BEGAN + row["env_step"] / 1000.0, **row))
            for row in _rows(self.evaluations)
        ]
        found += [(float(one.env_step or 0), 4, one) for one in self.by_item]
        found.sort(key=lambda entry: entry[:2])
        yield from (record for step, _, record in found if step <= until)

    @property
    def context(self) -> Context:
        """Context of the diagnosis: settings, planned steps and status."""
        return Context(
            settings=hyperparameters_of(self.configuration), total_timesteps=self.total_timesteps, **self.facts
        )

    def evidence(self, share: float = 1.0) -> Evidence:
        """Return the evidence for the diagnosis after the first part of the training.

        Args:
            share: Share of the training, 0 to 1.
        """
        collector = EvidenceBuilder()
        for record in self.records(share):
            collector.add(record)
        return collector.evidence(self.context)


def _rows(table: dict[str, Any]) -> Iterator[dict[str, Any]]:
    said = {name: column.tolist() for name, column in table.items() if column is not None}
    for values in zip(*said.values(), strict=True):
        yield {name: _clean(name, value) for name, value in zip(said, values, strict=True) if value is not None}


def _clean(name: str, value: Any) -> Any:
    return int(value) if name in {"env_step", "step"} else value
