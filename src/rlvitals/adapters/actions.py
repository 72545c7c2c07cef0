"""What a training does by itself about a finding: save a checkpoint, lower the learning rate, stop. Each is asked for.

VitalsCallback("logs", on_finding=[SaveCheckpoint(), LowerLearningRate(0.5, codes=["kl-too-large"])])
"""

from rlvitals.errors import MissingExtraError

try:
    from stable_baselines3.common.base_class import BaseAlgorithm
except ImportError as missing:
    raise MissingExtraError("an action", extra="sb3", module="stable_baselines3") from missing

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.adapters.episodes import FailureLog
from rlvitals.formatting import number
from rlvitals.monitor import TrainingMonitor
from rlvitals.records import Event
from rlvitals.runs.layout import ARTIFACTS

SEVERITIES = ("info", "warning", "critical")

_ALWAYS = 1_000_000_000


class Deed(NamedTuple):
    """What was done.

    Attributes:
        message: In one sentence.
        data: In values.
        stops: Whether the training is to end.
    """

    message: str
    data: dict[str, Any]
    stops: bool = False


class Action(ABC):
    """Something that is done when a finding opens, on the training's own thread, at its next step.

    Args:
        severity: The least severity of the finding.
        codes: The only codes of findings that it is for; `None` for all.
        most: Most times in a run.
        rest: Rollouts after it in which it is not done again: what it changed needs time to show.

    Raises:
        ValueError: A setting that means nothing.
    """

    code = "action"

    def __init__(
        self, *, severity: str = "critical", codes: Iterable[str] | None = None, most: int = 3, rest: int = 0
    ) -> None:
        if severity not in SEVERITIES:
            raise ValueError(f"severity={severity!r}: use one of {', '.join(map(repr, SEVERITIES))}")
        if isinstance(codes, str):
            raise ValueError(f"codes={codes!r}: give several, such as [{codes!r}]")  # noqa: TRY004 - as the rest
        if most < 1 or rest < 0:
            raise ValueError(f"most={most}, rest={rest}: at least once, and no negative rest")
        self._severity = SEVERITIES.index(severity)
        self._codes = None if codes is None else frozenset(codes)
        self.most = most
        self.rest = rest

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def answers(self, finding: Event) -> bool:
        """Whether it is for a finding."""
        grave = finding.severity in SEVERITIES and SEVERITIES.index(finding.severity) >= self._severity
        return grave and (self._codes is None or finding.code in self._codes)

    @abstractmethod
    def carry_out(self, model: BaseAlgorithm, finding: Event, folder: Path) -> Deed:
        """Do it.

        Args:
            model: The algorithm that trains.
            finding: Why.
            folder: Where files of the run may go; it may have to be made.

        Raises:
            Exception: It could not be done; that is told, and the training goes on.
        """


class SaveCheckpoint(Action):
    """Saves the model, and the statistics of a `VecNormalize` beside it.

    A model that a finding is about may be ill already: it is kept to look at, or to go on from.

    Args:
        folder: Where to; by default `artifacts/checkpoints` in the run's folder.
        severity: The least severity of the finding.
        codes: The only codes of findings that it is for; `None` for all.
        most: Most checkpoints in a run.
        rest: Rollouts after it in which none is saved again.
    """

    code = "save-checkpoint"

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        severity: str = "critical",
        codes: Iterable[str] | None = None,
        most: int = 5,
        rest: int = 0,
    ) -> None:
        super().__init__(severity=severity, codes=codes, most=most, rest=rest)
        self._folder = None if folder is None else Path(folder)

    def carry_out(self, model: BaseAlgorithm, finding: Event, folder: Path) -> Deed:
        """Save the model as `<step>-<code>.zip`."""
        place = folder / "checkpoints" if self._folder is None else self._folder
        place.mkdir(parents=True, exist_ok=True)
        about = re.sub(r"[^\w-]+", "-", finding.code or "finding")[:50]
        path = place / f"{model.num_timesteps}-{about}.zip"
        model.save(path)
        data = {"path": str(path)}
        statistics = model.get_vec_normalize_env()
        if statistics is not None:
            beside = path.with_suffix(".vecnormalize.pkl")
            statistics.save(str(beside))
            data["vec_normalize"] = str(beside)
        return Deed(f"Saved a checkpoint to {path}", data)


class LowerLearningRate(Action):
    """Multiplies the learning rate, or the whole of its schedule, by a factor.

    A model that is saved afterwards keeps the lower rate.

    Args:
        factor: Above 0 and below 1.
        severity: The least severity of the finding.
        codes: The only codes of findings that it is for; `None` for all.
        most: Most times in a run.
        rest: Rollouts after it in which it is not lowered again.

    Raises:
        ValueError: A factor that lowers nothing.
    """

    code = "lower-learning-rate"

    def __init__(
        self,
        factor: float = 0.5,
        *,
        severity: str = "critical",
        codes: Iterable[str] | None = None,
        most: int = 3,
        rest: int = 5,
    ) -> None:
        super().__init__(severity=severity, codes=codes, most=most, rest=rest)
        if not 0.0 < factor < 1.0:
            raise ValueError(f"factor={factor}: above 0 and below 1")
        self._factor = factor

    def carry_out(self, model: BaseAlgorithm, finding: Event, folder: Path) -> Deed:
        """Lower it from the next update on, in which the algorithm asks its schedule and sets its optimizers."""
        del finding, folder
        left = model._current_progress_remaining  # noqa: SLF001 - what the schedule is asked with
        before = float(model.lr_schedule(left))
        rate = model.learning_rate
        model.learning_rate = _Lowered(rate, self._factor) if callable(rate) else float(rate) * self._factor
        model._setup_lr_schedule()  # noqa: SLF001 - makes the schedule of the rate, as `load` does
        after = float(model.lr_schedule(left))
        return Deed(
            f"Lowered the learning rate from {number(before, 3)} to {number(after, 3)}",
            {"before": before, "after": after},
        )


class StopTraining(Action):
    """Ends the training, as if its last step were done: `learn` returns, and the run is completed.

    Args:
        severity: The least severity of the finding.
        codes: The only codes of findings that it is for; `None` for all.
    """

    code = "stop-training"

    def __init__(self, *, severity: str = "critical", codes: Iterable[str] | None = None) -> None:
        super().__init__(severity=severity, codes=codes, most=_ALWAYS)

    def carry_out(self, model: BaseAlgorithm, finding: Event, folder: Path) -> Deed:
        """Say that it is to end."""
        del finding, folder
        return Deed(f"Stopped the training at step {model.num_timesteps:,}", {}, stops=True)


class _Lowered:
    """A schedule, times a factor; picklable, as a model is saved with its schedule."""

    def __init__(self, schedule: Callable[[float], float], factor: float) -> None:
        self._schedule = schedule
        self._factor = factor

    def __call__(self, progress_remaining: float) -> float:
        return self._factor * float(self._schedule(progress_remaining))


class ActionTaker:
    """Looks for new findings at each step, and does what was asked for in answer, on the thread that asks.

    Findings are logged by other threads. They stand in the monitor's live window at once, so nothing has to be handed
    over, and a step that finds none costs one comparison.

    Args:
        actions: What is done, in this order.
        monitor: Knows the findings, and records what was done.
    """

    def __init__(self, actions: Sequence[Action], monitor: TrainingMonitor) -> None:
        self.monitor = monitor
        self._actions = tuple(actions)
        self._window = monitor._recorder.window  # noqa: SLF001 - the only way to hear of an event without a file
        self._seen = self._newest()
        self._taken = dict.fromkeys(range(len(self._actions)), 0)
        self._ready_at = dict.fromkeys(range(len(self._actions)), 0)
        self._rollouts = 0
        self.stopping = False

    def begin(self) -> None:
        """A training begins: what was found before it is not answered any more."""
        self.stopping = False
        self._seen = self._newest()

    def rollout_ended(self) -> None:
        """Count a rollout."""
        self._rollouts += 1

    def has_news(self) -> bool:
        """Whether there is an event that was not looked at; costs a quarter of a microsecond."""
        return self._newest() is not self._seen

    def apply(self, model: BaseAlgorithm, failures: FailureLog) -> None:
        """Do what new findings ask for.

        Args:
            model: The algorithm that trains.
            failures: Takes what could not be done.
        """
        fresh = self._fresh()
        self._seen = fresh[-1] if fresh else self._seen
        findings = [event for event in fresh if _opens(event)]
        for index, action in enumerate(self._actions):
            finding = next(filter(action.answers, findings), None)
            if finding is None or self._taken[index] >= action.most or self._rollouts < self._ready_at[index]:
                continue
            with failures.caught(f"{action.code} could not be done"):
                self._carry_out(index, finding, model)

    def _carry_out(self, index: int, finding: Event, model: BaseAlgorithm) -> None:
        action = self._actions[index]
        self._ready_at[index] = self._rollouts + action.rest
        deed = action.carry_out(model, finding, self.monitor.path / ARTIFACTS)
        self._taken[index] += 1
        self.stopping = self.stopping or deed.stops
        self.monitor.log_event(
            "action",
            f"{deed.message}: {finding.code or finding.message}.",
            severity="warning",
            code=action.code,
            env_step=model.num_timesteps,
            data={"finding": finding.code, "finding_severity": finding.severity, **deed.data},
        )

    def _newest(self) -> Event | None:
        newest = self._window.last(Event, 1)
        return newest[0] if newest else None

    def _fresh(self) -> list[Event]:
        """The events since the last call; all that are in memory if it was long ago."""
        events = self._window.last(Event)
        places = (place for place in range(len(events) - 1, -1, -1) if events[place] is self._seen)
        return events[next(places, -1) + 1 :]


def _opens(event: Event) -> bool:
    return event.kind == "finding" and (event.data or {}).get("state", "opened") != "closed"
