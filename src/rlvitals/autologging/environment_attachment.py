"""Attachment of Gymnasium environments that a program steps itself: the episodes of one of them are recorded.

An environment from `gymnasium.make` is tapped where `make` returned it, below the wrappers of the program, so that
the rewards are those of the task. A vector environment is tapped as a whole, with its sub-environments.
"""

import contextlib
import functools
import multiprocessing
import os
import threading
import weakref
from collections.abc import Callable
from types import MethodType, ModuleType
from typing import Any, cast

import gymnasium
from gymnasium.envs import registration

from rlvitals.adapters.deferred_monitor import DeferredMonitor
from rlvitals.adapters.gymnasium import VitalsVectorWrapper, VitalsWrapper, single_log, vector_log
from rlvitals.adapters.logger_runs import ENVIRONMENT, LoggerRun
from rlvitals.adapters.step_log import StepLog
from rlvitals.autologging.attachments import AttachedProcess
from rlvitals.errors import RlvitalsError
from rlvitals.monitor import TrainingMonitor

FEWEST_STEPS = 100
"""Steps from which a program trains, with at least one episode. Fewer steps can be a check of the environment."""

MANY_STEPS = 1_000
"""Steps from which a program trains, without an episode."""

_TAP = "_rlvitals_tap"
_FAILED = "the episodes of an environment are not recorded"
_LEAD = 2
"""Another environment is recorded instead if it has taken this many times the steps."""


class EnvironmentTap:
    """Recorder of the steps of one environment.

    Args:
        attached: Environments of the process.
        facts: Settings that the environment shows.
        log: Function that creates the log of the steps.
        environments: Number of sub-environments.
    """

    def __init__(
        self,
        attached: "AttachedEnvironments",
        facts: dict[str, Any],
        log: Callable[[TrainingMonitor], tuple[StepLog, Callable[[Any], None]]],
        environments: int,
    ) -> None:
        self.facts = facts
        self.steps = 0
        self.run: LoggerRun | None = None
        self.monitor = DeferredMonitor()
        self._attached = attached
        self._environments = environments
        self._log, self._add = log(cast("TrainingMonitor", self.monitor))
        self.begin = self._log.begin

    def __deepcopy__(self, _: dict[int, Any]) -> None:
        """Leave out the copy of an environment, as in a tree search."""

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Leave out the environment in another process."""
        return type(None), ()

    def stepped(self, answer: Any) -> None:
        """Record a step, or keep it in case that this environment turns out to be the one that trains."""
        if not self.is_off:
            self.steps += self._environments
            self._add(answer)
            if self._attached.is_recorded(self):
                if self.run is None:
                    self._attached.open_when_due(self)
                else:
                    self.run.counted_step = self._log.env_step

    def restarted(self, mask: Any) -> None:
        """Begin new episodes."""
        if not self.is_off:
            self._log.restart(mask)

    @property
    def is_off(self) -> bool:
        """Whether the environment is not recorded: its run has ended, or another source has the episodes."""
        return (self.run is not None and not self.run.is_open) or self._attached.is_off


class AttachedEnvironments:
    """The environments of a process, one of which is recorded: that with most steps.

    Args:
        process: State of the process.
    """

    def __init__(self, process: AttachedProcess) -> None:
        self._process = process
        self._recorded: weakref.ref[EnvironmentTap] | None = None
        self._inside = threading.local()
        self._is_off = self._has_joined = False
        self._pid = os.getpid()
        process.on_open.append(self._opened)
        process.on_finish.append(self._leave)

    @property
    def is_off(self) -> bool:
        """Whether no environment is recorded."""
        is_worker = multiprocessing.parent_process() is not None  # possibly of a vector environment
        return is_worker or self._is_off or self._process.adapter_runs or self._pid != os.getpid()

    def made(self, env: Any, *_: Any, **__: Any) -> None:
        """Tap the result of `gymnasium.make`."""
        self._tap(env, functools.partial(_single, env), 1)

    def made_vector(self, env: Any, *_: Any, **__: Any) -> None:
        """Tap the result of `gymnasium.make_vec`."""
        while isinstance(env, gymnasium.vector.VectorWrapper):
            env = env.env
        if _TAP not in vars(env):
            for one in getattr(env, "envs", ()):
                release(one)
            self._tap(env, functools.partial(_vector, env), env.num_envs)

    def created_vector(self, _: None, env: Any, *__: Any, **___: Any) -> None:
        """Tap a vector environment that a program created itself."""
        self.made_vector(env)

    def _tap(self, env: Any, log: Callable[..., Any], environments: int) -> None:
        if not self.is_off:
            vars(env)[_TAP] = EnvironmentTap(self, _facts(env, environments), log, environments)
            self._observe(type(env))

    def is_recorded(self, tap: EnvironmentTap) -> bool:
        """Return whether a tap is the recorded one, and change to it if it has taken many more steps."""
        recorded = None if self._recorded is None else self._recorded()
        if recorded is tap:
            return True
        run = None if recorded is None else recorded.run
        if recorded is None or (run is not None and not run.is_open):
            self._recorded = weakref.ref(tap)
        elif tap.steps > (recorded.steps if run is None else _LEAD * recorded.steps + MANY_STEPS):
            self._recorded = weakref.ref(tap)
            if run is not None:
                self._join(tap, run)
        else:
            return False
        return True

    def open_when_due(self, tap: EnvironmentTap) -> None:
        """Open the run of a tap, or join that of a logger, if the program trains."""
        run = self._process.runs.current
        trains = tap.steps >= (FEWEST_STEPS if tap.monitor.episodes else MANY_STEPS)
        if run is None and (not trains or self._has_joined):  # after the end of a run, a program can show its policy
            return
        try:
            opened = self._process.runs.open(opener=ENVIRONMENT, configuration=tap.facts) if run is None else run
            self._join(tap, opened)
        except RlvitalsError as error:
            self._give_up(error)

    def _join(self, tap: EnvironmentTap, run: LoggerRun) -> None:
        known = run.monitor.session.configuration
        run.monitor.update_configuration({name: value for name, value in tap.facts.items() if name not in known})
        run.join(self)
        run.tags.expect_no_episodes()
        run.counted_step = tap.monitor.env_step
        tap.run = run
        tap.monitor.open(run.monitor)
        self._has_joined = True
        self._process.note("Gymnasium environment", run.monitor)

    def _opened(self, run: LoggerRun) -> None:
        """Join a run that a logger opens in the middle of a training, instead of the run of the training before."""
        tap = None if self._recorded is None else self._recorded()
        if tap is None or self.is_off:
            return
        before = tap.run
        if before is None:
            self.open_when_due(tap)
        elif before is not run:
            self._join(tap, run)
            self._leave(before)

    def _leave(self, run: LoggerRun) -> None:
        run.leave(self)

    def _observe(self, kind: type[Any]) -> None:
        """Report the steps and resets of a class of environments to the taps of its objects."""
        if not isinstance(vars(kind).get("step"), ObservedMethod):
            kind.step = ObservedMethod(kind.step, self._stepped)
            kind.reset = ObservedMethod(kind.reset, self._reset)

    def _stepped(self, step: Callable[..., Any], env: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        tap = vars(env).get(_TAP)
        if tap is None or getattr(self._inside, "env", None) is not None:
            return step(env, *args, **kwargs)
        self._inside.env = env
        try:
            if tap.begin is not None:
                tap.begin()
            answer = step(env, *args, **kwargs)
            try:
                tap.stepped(answer)
            except Exception as error:  # noqa: BLE001 - the program must continue
                self._give_up(error)
        finally:
            self._inside.env = None
        return answer

    def _reset(self, reset: Callable[..., Any], env: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        options = kwargs.get("options")
        mask = options.get("reset_mask") if isinstance(options, dict) else None  # before a wrapper removes it
        answer = reset(env, *args, **kwargs)
        tap = vars(env).get(_TAP)
        if tap is not None and getattr(self._inside, "env", None) is None:
            with self._process.caught(_FAILED):
                tap.restarted(mask)
        return answer

    def _give_up(self, error: Exception) -> None:
        self._is_off = True
        self._process.failed(_FAILED, error)


class ObservedMethod:
    """A method of a class that is called through another function.

    A class of the program can be pickled with its methods, for a worker process. Then it gets the original method.

    Args:
        original: The method.
        call: Function that calls it; it gets the method, the object, and the arguments.
    """

    def __init__(self, original: Callable[..., Any], call: Callable[..., Any]) -> None:
        functools.update_wrapper(self, original)
        self._original = original
        self._call = call

    def __get__(self, env: Any, kind: type[Any] | None = None) -> Any:
        if env is None:
            return self
        return MethodType(self if _TAP in vars(env) else self._original, env)  # most environments have no tap

    def __call__(self, env: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the method."""
        return self._call(self._original, env, args, kwargs)

    def __reduce__(self) -> tuple[Callable[[Any], Any], tuple[Any]]:
        return _same, (self._original,)


def _same(value: Any) -> Any:
    return value


_attached: AttachedEnvironments | None = None


def attach(module: ModuleType, process: AttachedProcess) -> None:
    """Tap the environments that Gymnasium creates."""
    global _attached  # noqa: PLW0603 - one per process
    _attached = _attached or AttachedEnvironments(process)
    for name, made in (("make", _attached.made), ("make_vec", _attached.made_vector)):
        process.observe(registration, name, made)
        for other in (module, module.envs):
            setattr(other, name, getattr(registration, name))
    for kind in (gymnasium.vector.SyncVectorEnv, gymnasium.vector.AsyncVectorEnv):
        process.observe(kind, "__init__", _attached.created_vector)
    for wrapper in (VitalsWrapper, VitalsVectorWrapper):  # the program records the environment itself
        process.observe(wrapper, "__init__", lambda _, one, *__, **___: release(one.env))


def release(env: Any) -> None:
    """Do not record an environment, because an adapter records its episodes."""
    while env is not None:
        vars(env).pop(_TAP, None)
        env = vars(env).get("env")


def _single(env: Any, monitor: TrainingMonitor) -> tuple[StepLog, Callable[[Any], None]]:
    log, resets_next = single_log(env, monitor)
    return log, functools.partial(log.add_one, resets_next=resets_next)


def _vector(env: Any, monitor: TrainingMonitor) -> tuple[StepLog, Callable[[Any], None]]:
    log, resets_next, resets_same = vector_log(env, monitor)
    return log, functools.partial(log.add_all, resets_next=resets_next, resets_same=resets_same)


def _facts(env: Any, environments: int) -> dict[str, Any]:
    """Return the settings that an environment shows."""
    spec = getattr(env, "spec", None) or getattr(next(iter(getattr(env, "envs", ())), None), "spec", None)
    facts: dict[str, Any] = {"num_envs": environments}
    if spec is not None:
        facts |= {"env_id": spec.id, "max_episode_steps": spec.max_episode_steps}
    elif isinstance(env, gymnasium.vector.AsyncVectorEnv):
        with contextlib.suppress(Exception):  # only text: a worker that cannot pickle its answer dies
            facts["environment"] = env.call("__str__")[0]
    return {name: value for name, value in facts.items() if value is not None}
