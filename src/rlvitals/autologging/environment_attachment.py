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

    Attributes:
        facts: Settings that the environment shows.
        is_recorded: Whether the process records this environment.
        run: Run that has the episodes, once it is open.
        monitor: Monitor of the episodes.
        begin: Function to call before each step, or `None`.
    """

    def __init__(
        self,
        attached: "AttachedEnvironments",
        facts: dict[str, Any],
        log: Callable[[TrainingMonitor], StepLog],
    ) -> None:
        self.facts = facts
        self.is_recorded = False
        self.run: LoggerRun | None = None
        self.monitor = DeferredMonitor()
        self._attached = attached
        self._log = log(cast("TrainingMonitor", self.monitor))
        self._add, self.begin = self._log.add, self._log.begin

    def __deepcopy__(self, _: dict[int, Any]) -> None:
        """Leave out the copy of an environment, as in a tree search."""

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Leave out the environment in another process."""
        return type(None), ()

    def stepped(self, answer: Any) -> None:
        """Record a step, or keep it in case that this environment turns out to be the one that trains."""
        run = self.run
        if self._attached.is_off or (run is not None and run.has_ended):
            return
        self._add(answer)
        if self.is_recorded or self._attached.choose(self):
            if run is None:
                self._attached.open_when_due(self)
            else:
                run.counted_step = self._log.env_step

    @property
    def steps(self) -> int:
        """Steps until now, of all sub-environments."""
        return self._log.env_step

    def restarted(self, mask: Any) -> None:
        """Begin new episodes."""
        self._log.restart(mask)


class AttachedEnvironments:
    """The environments of a process, one of which is recorded: that with most steps.

    Args:
        process: State of the process.

    Attributes:
        is_off: Whether no environment is recorded, because an adapter records episodes or recording has failed.
    """

    def __init__(self, process: AttachedProcess) -> None:
        self._process = process
        self._recorded: weakref.ref[EnvironmentTap] | None = None
        self._inside = threading.local()
        self.is_off, self._has_joined = process.adapter_runs, False
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._leave_to_parent)
        process.on_open.append(self._opened)
        process.on_finish.append(self._leave)

    def made(self, env: Any, *_: Any, **__: Any) -> None:
        """Tap the result of `gymnasium.make`."""
        self._tap(env, functools.partial(single_log, env), 1)

    def made_vector(self, env: Any, *_: Any, **__: Any) -> None:
        """Tap the result of `gymnasium.make_vec`."""
        while isinstance(env, gymnasium.vector.VectorWrapper):
            env = env.env
        if _TAP not in vars(env):
            for one in getattr(env, "envs", ()):
                release(one)
            self._tap(env, functools.partial(vector_log, env), env.num_envs)

    def created_vector(self, _: None, env: Any, *__: Any, **___: Any) -> None:
        """Tap a vector environment that a program created itself."""
        self.made_vector(env)

    def _tap(self, env: Any, log: Callable[[TrainingMonitor], StepLog], environments: int) -> None:
        is_worker = multiprocessing.parent_process() is not None  # possibly of a vector environment
        if not (is_worker or self.is_off):
            vars(env)[_TAP] = EnvironmentTap(self, _facts(env, environments), log)
            self._observe(type(env))

    def choose(self, tap: EnvironmentTap) -> bool:
        """Record an environment from now on if it has taken many more steps than the recorded one.

        Returns:
            Whether the environment is recorded.
        """
        recorded = None if self._recorded is None else self._recorded()
        run = None if recorded is None else recorded.run
        if recorded is None or (run is not None and run.has_ended):
            self._record(tap)
        elif tap.steps > (recorded.steps if run is None else _LEAD * recorded.steps + MANY_STEPS):
            recorded.is_recorded = False
            self._record(tap)
            if run is not None:
                self._join(tap, run)
        return tap.is_recorded

    def _record(self, tap: EnvironmentTap) -> None:
        self._recorded = weakref.ref(tap)
        tap.is_recorded = True

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
        self.is_off = self.is_off or self._process.adapter_runs
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

    def _stepped(self, step: Callable[..., Any], env: Any, /, *args: Any, **kwargs: Any) -> Any:
        tap = vars(env).get(_TAP)
        if tap is None or getattr(self._inside, "env", None) is not None:
            return step(env, *args, **kwargs)
        self._inside.env = env
        try:
            if tap.begin is not None:
                tap.begin()
            answer = step(env, *args, **kwargs)
            try:  # not `caught`, because a context manager takes more than a microsecond
                tap.stepped(answer)
            except Exception as error:  # noqa: BLE001 - the program must continue
                self._give_up(error)
        finally:
            self._inside.env = None
        return answer

    def _reset(self, reset: Callable[..., Any], env: Any, /, *args: Any, **kwargs: Any) -> Any:
        options = kwargs.get("options")
        mask = options.get("reset_mask") if isinstance(options, dict) else None  # before a wrapper removes it
        answer = reset(env, *args, **kwargs)
        tap = vars(env).get(_TAP)
        if tap is not None and getattr(self._inside, "env", None) is None:
            with self._process.caught(_FAILED):
                tap.restarted(mask)
        return answer

    def _leave_to_parent(self) -> None:
        """Record nothing in the child of a fork."""
        self.is_off = True

    def _give_up(self, error: Exception) -> None:
        self.is_off = True
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
        self._call = functools.partial(call, original)

    def __get__(self, env: Any, kind: type[Any] | None = None) -> Any:
        if env is None:
            return self
        return MethodType(self._call if _TAP in vars(env) else self._original, env)  # most environments have no tap

    def __call__(self, env: Any, *args: Any, **kwargs: Any) -> Any:
        """Call the method."""
        return self._call(env, *args, **kwargs)

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
