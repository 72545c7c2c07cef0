"""Actions in response to a finding or to a request: save a checkpoint, lower the learning rate, stop the training.

Actions are opt-in:

    VitalsCallback("logs", on_finding=[SaveCheckpoint(), LowerLearningRate(0.5, codes=["kl-too-large"])])
"""

from rlvitals.errors import MissingExtraError

try:
    from stable_baselines3.common.base_class import BaseAlgorithm
except ImportError as missing:
    raise MissingExtraError("an action", extra="sb3", module="stable_baselines3") from missing

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rlvitals.adapters.episodes import FailureLog
from rlvitals.adapters.finding_filter import FindingFilter
from rlvitals.formatting import number
from rlvitals.monitor import TrainingMonitor
from rlvitals.monitor.request_desk import FAILED, KIND, RECEIVED
from rlvitals.records import Event
from rlvitals.runs.layout import ARTIFACTS
from rlvitals.runs.request_files import RequestKind

_ALWAYS = 1_000_000_000


class Deed(NamedTuple):
    """Result of an action.

    Attributes:
        message: One sentence that describes the action.
        data: Details, by name.
        stops: Whether the training ends.
    """

    message: str
    data: dict[str, Any]
    stops: bool = False


class Action(ABC):
    """Base class of actions, which run when a finding opens, on the training thread, at its next step.

    Args:
        severity: Minimum severity of the finding.
        codes: Codes of the findings that trigger the action. `None` for all.
        most: Maximum number of times per run.
        rest: Number of rollouts to wait before the action can run again, so that its effect can show.

    Raises:
        ValueError: An option is invalid.
    """

    code = "action"

    def __init__(
        self, *, severity: str = "critical", codes: Iterable[str] | None = None, most: int = 3, rest: int = 0
    ) -> None:
        self._filter = FindingFilter(severity, codes)
        if most < 1 or rest < 0:
            raise ValueError(f"most={most}, rest={rest}: most must be at least 1 and rest at least 0")
        self.most = most
        self.rest = rest

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def answers(self, finding: Event) -> bool:
        """Return whether a finding triggers the action."""
        return self._filter.takes(finding.severity, finding.code)

    @abstractmethod
    def carry_out(self, model: BaseAlgorithm, finding: Event, folder: Path) -> Deed:
        """Run the action.

        Args:
            model: Algorithm that is training.
            finding: Finding that triggered the action.
            folder: Folder for files of the run. It may not exist yet.

        Returns:
            The result of the action.

        Raises:
            Exception: The action failed. The failure is reported, and training continues.
        """


class SaveCheckpoint(Action):
    """Saves the model, and the statistics of a `VecNormalize` next to it.

    The saved model can already be affected by the finding. Use the checkpoint to inspect the model or to resume from
    it.

    Args:
        folder: Folder for the checkpoints. Default: `artifacts/checkpoints` in the run folder.
        severity: Minimum severity of the finding.
        codes: Codes of the findings that trigger the action. `None` for all.
        most: Maximum number of checkpoints per run.
        rest: Number of rollouts to wait before the next checkpoint.
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
    """Multiplies the learning rate, or its whole schedule, by a factor.

    A model that is saved afterwards keeps the lower rate.

    Args:
        factor: Factor between 0 and 1, exclusive.
        severity: Minimum severity of the finding.
        codes: Codes of the findings that trigger the action. `None` for all.
        most: Maximum number of times per run.
        rest: Number of rollouts to wait before the rate can be lowered again.

    Raises:
        ValueError: The factor is not between 0 and 1.
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
            raise ValueError(f"factor={factor} does not lower the learning rate; pass a number between 0 and 1")
        self._factor = factor

    def carry_out(self, model: BaseAlgorithm, finding: Event, folder: Path) -> Deed:
        """Lower the learning rate from the next update on, when the algorithm evaluates its schedule."""
        del finding, folder
        left = model._current_progress_remaining  # noqa: SLF001 - the argument of the schedule
        before = float(model.lr_schedule(left))
        rate = model.learning_rate
        model.learning_rate = _Lowered(rate, self._factor) if callable(rate) else float(rate) * self._factor
        model._setup_lr_schedule()  # noqa: SLF001 - rebuilds the schedule from the rate, as `load` does
        after = float(model.lr_schedule(left))
        return Deed(
            f"Lowered the learning rate from {number(before, 3)} to {number(after, 3)}",
            {"before": before, "after": after},
        )


class StopTraining(Action):
    """Ends the training as if its last step were done: `learn` returns, and the run is completed.

    Args:
        severity: Minimum severity of the finding.
        codes: Codes of the findings that trigger the action. `None` for all.
    """

    code = "stop-training"

    def __init__(self, *, severity: str = "critical", codes: Iterable[str] | None = None) -> None:
        super().__init__(severity=severity, codes=codes, most=_ALWAYS)

    def carry_out(self, model: BaseAlgorithm, finding: Event, folder: Path) -> Deed:
        """Request the end of the training."""
        del finding, folder
        return Deed(f"Stopped the training at step {model.num_timesteps:,}", {}, stops=True)


class _Lowered:
    """Schedule multiplied by a factor. Picklable, because a model is saved with its schedule."""

    def __init__(self, schedule: Callable[[float], float], factor: float) -> None:
        self._schedule = schedule
        self._factor = factor

    def __call__(self, progress_remaining: float) -> float:
        return self._factor * float(self._schedule(progress_remaining))


_REQUESTED: Mapping[RequestKind, Callable[[Mapping[str, Any]], Action]] = {
    "stop": lambda _: StopTraining(),
    "checkpoint": lambda _: SaveCheckpoint(),
    "learning-rate": lambda data: LowerLearningRate(float(data["factor"])),
}
"""Action for each kind of request, made from the data of its event."""
REQUESTS: Collection[RequestKind] = _REQUESTED.keys()
"""Kinds of requests that an `ActionTaker` carries out."""


class ActionTaker:
    """Checks for new findings and requests at each step, and runs the actions on the calling thread.

    Other threads log these events, which are in the monitor's live window immediately. No queue is needed, and a step
    without a new event costs one comparison.

    Args:
        actions: Actions to run, in this order.
        monitor: Monitor that holds the findings and records the actions.
    """

    def __init__(self, actions: Sequence[Action], monitor: TrainingMonitor) -> None:
        self.monitor = monitor
        self._actions = tuple(actions)
        self._window = monitor._recorder.window  # noqa: SLF001 - the only way to read events without a file
        self._seen = self._newest()
        self._taken = dict.fromkeys(range(len(self._actions)), 0)
        self._ready_at = dict.fromkeys(range(len(self._actions)), 0)
        self._rollouts = 0
        self.stopping = False

    def begin(self) -> None:
        """Start a training. Findings from before are ignored."""
        self.stopping = False
        self._seen = self._newest()

    def rollout_ended(self) -> None:
        """Count a rollout."""
        self._rollouts += 1

    def has_news(self) -> bool:
        """Return whether there is an unprocessed event. Takes a quarter of a microsecond."""
        return self._newest() is not self._seen

    def apply(self, model: BaseAlgorithm, failures: FailureLog) -> None:
        """Run the actions that new findings trigger, and those that new requests ask for.

        Args:
            model: Algorithm that is training.
            failures: Log for actions that fail.
        """
        fresh = self._fresh()
        self._seen = fresh[-1] if fresh else self._seen
        findings = [event for event in fresh if _opens(event)]
        for index, action in enumerate(self._actions):
            finding = next(filter(action.answers, findings), None)
            if finding is None or self._taken[index] >= action.most or self._rollouts < self._ready_at[index]:
                continue
            with failures.caught(f"the action {action.code} failed"):
                self._respond(index, finding, model)
        for request in filter(_asks, fresh):
            self._fulfil(request, model)

    def _respond(self, index: int, finding: Event, model: BaseAlgorithm) -> None:
        action = self._actions[index]
        self._ready_at[index] = self._rollouts + action.rest
        about = {"finding": finding.code, "finding_severity": finding.severity}
        self._carry_out(action, finding, model, finding.code or finding.message, about)
        self._taken[index] += 1

    def _fulfil(self, request: Event, model: BaseAlgorithm) -> None:
        """Carry out a request. A failure is recorded, because the sender waits for an answer."""
        data = request.data or {}
        about = {name: data[name] for name in ("request", "by", "reason")}
        try:
            action = _REQUESTED[request.code](data)  # type: ignore[index]  # checked by `_asks`
            self._carry_out(action, request, model, data["reason"], about)
        except Exception as error:  # noqa: BLE001 - training must continue
            message = f"The request of {data['by']} failed: {type(error).__name__}: {error}"
            self.monitor.log_event(
                KIND, message, severity="warning", code=request.code, data={**about, "state": FAILED}
            )

    def _carry_out(
        self, action: Action, event: Event, model: BaseAlgorithm, why: str, about: Mapping[str, Any]
    ) -> None:
        deed = action.carry_out(model, event, self.monitor.path / ARTIFACTS)
        self.stopping = self.stopping or deed.stops
        self.monitor.log_event(
            "action",
            f"{deed.message}: {why.rstrip('.')}.",
            severity="warning",
            code=action.code,
            env_step=model.num_timesteps,
            data={**about, **deed.data},
        )

    def _newest(self) -> Event | None:
        newest = self._window.last(Event, 1)
        return newest[0] if newest else None

    def _fresh(self) -> list[Event]:
        """Return the events since the last call, or all events in memory if the last call was too long ago."""
        events = self._window.last(Event)
        places = (place for place in range(len(events) - 1, -1, -1) if events[place] is self._seen)
        return events[next(places, -1) + 1 :]


def _asks(event: Event) -> bool:
    return event.kind == KIND and event.code in REQUESTS and (event.data or {}).get("state") == RECEIVED


def _opens(event: Event) -> bool:
    return event.kind == "finding" and (event.data or {}).get("state", "opened") != "closed"
