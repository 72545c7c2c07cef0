"""Stable-Baselines3: one callback that records a whole training.

    model.learn(100_000, callback=VitalsCallback("logs"))

Requires the extra `sb3`. `docs/guides/stable-baselines3.md` describes what is recorded and how.
"""

from rlvitals.errors import MissingExtraError

try:
    from stable_baselines3.common.callbacks import BaseCallback
except ImportError as missing:
    raise MissingExtraError("VitalsCallback", extra="sb3", module="stable_baselines3") from missing

import contextlib
import math
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm
from stable_baselines3.common.vec_env import VecMonitor, is_vecenv_wrapped

from rlvitals.adapters.actions import REQUESTS, Action, ActionTaker
from rlvitals.adapters.configuration import configuration_of
from rlvitals.adapters.episode_buffer import BufferedEpisodes
from rlvitals.adapters.episodes import Ending, EpisodeLog, FailureLog
from rlvitals.adapters.evaluations import EvaluationWatch, evaluations_in
from rlvitals.adapters.learn_watch import LearnWatch
from rlvitals.adapters.own_run import OwnRun
from rlvitals.adapters.recorded_returns import RecordedReturns
from rlvitals.adapters.returns import is_set
from rlvitals.adapters.reward_layers import Layers
from rlvitals.adapters.rollouts import rollout_signals
from rlvitals.adapters.updates import UpdateWatch, update_fields
from rlvitals.adapters.vec_rewards import raw_rewards_of
from rlvitals.errors import RlvitalsError
from rlvitals.monitor import TrainingMonitor
from rlvitals.runs.header import PAUSED

OFF_POLICY_INTERVAL = 1_000
"""Environment steps between two records of an off-policy algorithm, which updates at nearly every step."""


class VitalsCallback(BaseCallback):
    """Records a Stable-Baselines3 training: every episode, every update, evaluations, configuration.

    With a `log_dir`, the callback creates a run when the training begins and closes it when the training ends.
    Stable-Baselines3 does not notify callbacks of an exception, so a watch detects that `learn` was interrupted and
    marks the run as failed. In a `with` statement, the run lasts as long as the statement, over several calls of
    `learn`. With a `monitor`, the caller closes the run. In the latter two cases, an interrupted `learn` pauses the
    run.

    Recording failures and unusual `info` values are counted, reported once, and never raised into the training.

    Args:
        log_dir: Folder of runs. Default: the default of `TrainingMonitor`.
        monitor: Existing monitor, as an alternative to `log_dir`.
        info_keys: Keys of `info` to store with each episode, in addition to the keys with their own field (see
            `adapters.episodes.episode_fields`).
        on_finding: Actions in response to findings (`adapters.actions`). Default: none.
        raw_rewards: Whether to record the environments' own rewards if wrappers change them. `False` records rewards as
            the algorithm sees them.
        verbose: Not used. Pass `announce=False` to leave out the line with the run's location.
        **options: Options of `TrainingMonitor` (`session_name`, `resume`, `configuration`, `terminal`, ...), with
            `log_dir`.

    Raises:
        ValueError: Both a `monitor` and `log_dir` or options for a new one are passed.
    """

    def __init__(
        self,
        log_dir: str | Path | None = None,
        *,
        monitor: TrainingMonitor | None = None,
        info_keys: Iterable[str] = (),
        on_finding: Sequence[Action] = (),
        raw_rewards: bool = True,
        verbose: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(verbose)
        if monitor is not None and (log_dir is not None or options):
            raise ValueError("got both a monitor and a log_dir or options for a new one; pass only one of them")
        if log_dir is not None:
            options["log_dir"] = log_dir
        self._own = None if monitor is not None else OwnRun(options)
        if self._own is not None:
            weakref.finalize(self, self._own.leave).atexit = False  # at exit, `own_run` closes the run early enough
        self._monitor = monitor
        self._info_keys = (info_keys,) if isinstance(info_keys, str) else tuple(info_keys)
        self._on_finding = tuple(on_finding)
        self._raw_rewards = raw_rewards
        self._actions: ActionTaker | None = None
        self._in_with = False
        self._watch: LearnWatch | None = None
        self._returns: RecordedReturns | None = None
        self._buffered: BufferedEpisodes | None = None
        self._evaluations: list[EvaluationWatch] = []
        self._goal: int | None = None
        self._forget_update()

    def __enter__(self) -> Self:
        self._in_with = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_with = False
        self._end_watch()
        if self._own is not None:
            self._own.end(error)

    @property
    def monitor(self) -> TrainingMonitor:
        """Monitor that records the training.

        Raises:
            RlvitalsError: The callback creates its monitor when a training begins, and no training has begun.
        """
        if self._monitor is None:
            raise RlvitalsError(
                "there is no monitor yet, because learn() creates it; call learn() first or pass a monitor"
            )
        return self._monitor

    # ------------------------------------------------------------------ callbacks of Stable-Baselines3

    def _on_training_start(self) -> None:
        self._end_watch()
        total = self.locals.get("total_timesteps")
        facts, unreadable = _facts_of(self.model)
        if self._own is not None:
            self._monitor = self._own.open(self.model, total, goes_on=self.num_timesteps > 0, facts=facts)
        self._begin_watch(self.monitor)
        self._failures = FailureLog(self.monitor)
        self._episodes = EpisodeLog(self.monitor, self._info_keys, self._failures)
        self._progress = self.monitor.advance
        self._last_off_policy = self.num_timesteps
        self._forget_update()
        self._begin_actions()
        self._begin_episodes()
        with self._failures.caught("the start of the training could not be recorded"):
            self._take_place(total)
        with self._failures.caught("evaluations cannot be recorded"):
            self._watch_evaluations()
        with self._failures.caught("the model's configuration could not be recorded"):
            if unreadable is not None:
                raise unreadable
            known = self.monitor.session.configuration
            self.monitor.update_configuration({name: value for name, value in facts.items() if name not in known})

    def _on_step(self) -> bool:
        try:
            seen = self.locals
            if "rewards" in seen:
                self._add_rewards(seen["rewards"].tolist())
                dones = seen["dones"].tolist()  # for a short list, this takes a fifth of the time of `dones.any()`
                if True in dones:
                    self._record_episodes(dones, seen["infos"])
            elif self._buffered is None:
                self._buffered = BufferedEpisodes(self.model, self._last_step, self._episodes, self._failures)
            if self._evaluations:
                self._record_evaluations()
            self._progress(self.num_timesteps)
        except Exception as error:  # noqa: BLE001 - training must continue
            self._failures.note("a step could not be recorded", error)
        return self._actions is None or self._go_on(self._actions)

    def _on_rollout_end(self) -> None:
        with self._failures.caught("a rollout could not be recorded"):
            if isinstance(self.model, OnPolicyAlgorithm):
                self._expect_update(self.model)
        self._record_buffered()
        self._record_evaluations()
        if self._actions is not None:
            self._actions.rollout_ended()
            self._go_on(self._actions)

    def _on_rollout_start(self) -> None:
        # The first callback after `train()`, whose values are still in the logger, not dumped yet.
        self._record_update()

    def _on_training_end(self) -> None:
        self._end_watch()
        self.monitor._requests.serve(())  # noqa: SLF001 - for adapters only
        self._record_update(last=True)
        self._record_buffered(last=True)
        self._record_evaluations()
        self._unwatch_evaluations()
        if self._returns is not None:
            self._returns.remove()
        self._failures.close()
        if self._own is not None and not self._in_with:
            self._own.end()

    # ------------------------------------------------------------------ a training that ends without a callback

    def _begin_watch(self, monitor: TrainingMonitor) -> None:
        """Watch `learn`, which calls no callback when an exception leaves it."""
        if monitor.status == PAUSED:  # because `learn` was left before
            monitor.unpause()
        own = None if self._in_with else self._own
        call = getattr(self.model, "start_time", None)
        self._watch = LearnWatch(self.model, partial(_left, own, monitor), call=call)

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.end()

    # ------------------------------------------------------------------ actions in response to findings and requests

    def _begin_actions(self) -> None:
        if self._actions is None or self._actions.monitor is not self.monitor:
            self._actions = ActionTaker(self._on_finding, self.monitor)
        self._actions.begin()
        self.monitor._requests.serve(REQUESTS)  # noqa: SLF001 - for adapters only

    def _go_on(self, actions: ActionTaker) -> bool:
        if actions.has_news():
            with self._failures.caught("new findings and requests could not be checked"):
                actions.apply(self.model, self._failures)
        return not actions.stopping

    # ------------------------------------------------------------------ start of a training

    def _begin_episodes(self) -> None:
        env = self.training_env
        layers, raw, before = Layers(), None, self._returns
        if before is not None:
            before.remove()  # of a training that an exception ended
            if self.num_timesteps == 0 or before.environments != env.num_envs:
                before = None
        if self._raw_rewards:
            with self._failures.caught("the reward wrappers could not be inspected"):
                layers, raw = raw_rewards_of(env)
        sums = None if before is None else before.sums
        self._returns = RecordedReturns(self.monitor, env.num_envs, layers, raw, self._failures, sums)
        self._add_rewards = self._returns.add
        self._rewards_before = self._returns.total
        self._buffered, self._last_step = None, self.num_timesteps
        self._is_monitored = False
        with self._failures.caught("the environment could not be checked for a Monitor"):
            self._is_monitored = is_vecenv_wrapped(env, VecMonitor) or env.env_is_wrapped(Monitor)[0]

    def _take_place(self, total_timesteps: int | None) -> None:
        """Record the position of the training in its run, and its training budget."""
        monitor = self.monitor
        if monitor.resumed and monitor not in _settled and self.num_timesteps < (monitor.env_step or 0):
            monitor.rewind(env_step=self.num_timesteps)
        _settled.add(monitor)
        if total_timesteps is not None and monitor.total_timesteps in {None, self._goal}:  # otherwise set by the user
            monitor.set_goals(total_timesteps=total_timesteps)
        self._goal = total_timesteps

    # ------------------------------------------------------------------ episodes

    def _record_episodes(self, dones: list[bool], infos: list[dict[str, Any]]) -> None:
        for index, (done, info) in enumerate(zip(dones, infos, strict=True)):
            if not done:
                continue
            # A wrapper for Atari games reports "done" when a life is lost. The game continues, and its Monitor knows.
            if self._is_monitored and "episode" not in info and is_set(info.get("lives")):
                continue
            assert self._returns is not None
            truncated = is_set(info.get("TimeLimit.truncated"))
            ending = Ending.of(self._returns.ending(index, info), index, truncated=truncated, info=info)
            self._episodes.record(ending, self.num_timesteps)

    def _record_buffered(self, *, last: bool = False) -> None:
        """Record the episodes of an algorithm that does not pass its steps to callbacks."""
        if self._buffered is not None:
            with self._failures.caught("episodes could not be recorded"):
                self._buffered.record(self.num_timesteps, last=last)

    # ------------------------------------------------------------------ updates

    def _forget_update(self) -> None:
        self._update: UpdateWatch | None = None
        self._signals: dict[str, Any] = {}
        self._count_before: int | None = None

    def _expect_update(self, model: OnPolicyAlgorithm) -> None:
        """Prepare for the update that follows a rollout."""
        assert self._returns is not None
        rewards = self._returns.total
        self._signals = rollout_signals(model.rollout_buffer, squashed=model.policy.squash_output)
        steps = model.rollout_buffer.buffer_size * model.n_envs
        self._signals["reward_mean"] = (rewards - self._rewards_before) / steps
        self._signals["update"] = -(-self.num_timesteps // steps)
        self._rewards_before = rewards
        self._count_before = model._n_updates  # noqa: SLF001 - the only sign that train() finished
        self._update = UpdateWatch(model.rollout_buffer, _weakly(self._update_broken_off))

    def _record_update(self, *, last: bool = False) -> None:
        with self._failures.caught("an update could not be recorded"):
            if self._update is not None:
                self._update.remove()
                if self._model_updates() != self._count_before:
                    self._log_update(update_fields(self.logger.name_to_value))
            elif not isinstance(self.model, OnPolicyAlgorithm):
                self._record_off_policy(last=last)
        self._forget_update()

    def _record_off_policy(self, *, last: bool) -> None:
        due = self.num_timesteps - self._last_off_policy >= (1 if last else OFF_POLICY_INTERVAL)
        if due and self._model_updates():
            fields = update_fields(self.logger.name_to_value)
            if fields:
                self._last_off_policy = self.num_timesteps
                self._log_update(fields)

    def _log_update(self, fields: dict[str, Any]) -> None:
        seen = self._update.fields() if self._update is not None else {}
        extra = self._signals.pop("extra", {}) | fields.pop("extra", {})
        limit = getattr(self.model, "max_grad_norm", None)
        self.monitor.log_training_step(
            self.num_timesteps,
            env_step=self.num_timesteps,
            gradient_norm_limit=limit,
            **self._signals,
            **seen,
            **fields,
            extra=extra,
        )

    def _update_broken_off(self) -> None:
        """Handle a loop over minibatches that was left before its end.

        Early stopping does that in a healthy training. So does the exception that a network of NaNs raises, after which
        nothing is logged about this update except the observations here. Early stopping never happens on a NaN
        divergence, so a NaN gradient distinguishes the two.
        """
        if self._update is None or not any(map(math.isnan, self._update.norms())):
            return
        with self._failures.caught("an interrupted update could not be recorded"):
            self._log_update({"extra": {"interrupted": True}})
        self._update.remove()
        self._forget_update()

    def _model_updates(self) -> int | None:
        count: int | None = getattr(self.model, "_n_updates", None)
        return count

    # ------------------------------------------------------------------ evaluations

    def _watch_evaluations(self) -> None:
        self._unwatch_evaluations()
        self._evaluations = [EvaluationWatch(callback) for callback in evaluations_in(self.locals.get("callback"))]

    def _unwatch_evaluations(self) -> None:
        for watch in self._evaluations:
            watch.remove()
        self._evaluations = []

    def _record_evaluations(self) -> None:
        for watch in self._evaluations:
            if watch.pending:
                with self._failures.caught("an evaluation could not be recorded"):
                    last = self.monitor.last_episode
                    self.monitor.log_evaluation(0 if last is None else last + 1, **watch.take())


def _facts_of(model: BaseAlgorithm) -> tuple[dict[str, Any], Exception | None]:
    """Return the model's configuration before a monitor exists, or the reason why it cannot be read."""
    try:
        return configuration_of(model), None
    except Exception as error:  # noqa: BLE001 - a foreign model; training must continue
        return {}, error


def _left(own: OwnRun | None, monitor: TrainingMonitor, error: BaseException | None) -> None:
    """Report that a training was left. Its own run is closed as failed, and a caller's run is paused."""
    monitor._requests.serve(())  # noqa: SLF001 - for adapters only
    if own is not None:
        own.give_up(error, monitor=monitor)
        return
    why = "" if error is None else f" ({type(error).__name__})"
    with contextlib.suppress(RlvitalsError):  # the monitor may be closed already
        monitor.log_event("training", f"learn() stopped before its end{why}", severity="warning")
        monitor.pause()
        monitor.save_session()


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """Return a function that calls a method while its object lives, without keeping the object alive."""
    known = weakref.WeakMethod(method)

    def call() -> None:
        found = known()
        if found is not None:
            found()

    return call


_settled: weakref.WeakSet[TrainingMonitor] = weakref.WeakSet()
"""Monitors whose first training has begun. After that, a repeated step is not a return to a checkpoint."""
