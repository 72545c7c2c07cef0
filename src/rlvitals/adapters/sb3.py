"""Stable-Baselines3: one callback that records a whole training.

    model.learn(100_000, callback=VitalsCallback("logs"))

Requires the extra `sb3`. `docs/guides/stable-baselines3.md` describes what is recorded and how.
"""

from rlvitals.errors import MissingExtraError

try:
    from stable_baselines3.common.callbacks import BaseCallback
except ImportError as missing:
    raise MissingExtraError("VitalsCallback", extra="sb3", module="stable_baselines3") from missing

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecMonitor, is_vecenv_wrapped

from rlvitals.adapters.actions import REQUESTS, Action, ActionTaker
from rlvitals.adapters.configuration import configuration_of
from rlvitals.adapters.episode_buffer import BufferedEpisodes
from rlvitals.adapters.episodes import Ending, EpisodeLog, FailureLog
from rlvitals.adapters.evaluations import EvaluationWatch, evaluations_in, trial_in
from rlvitals.adapters.recorded_returns import RecordedReturns
from rlvitals.adapters.returns import is_set
from rlvitals.adapters.reward_layers import Layers
from rlvitals.adapters.training_run import RunHolder, TrainingRun, facts_of
from rlvitals.adapters.update_log import UpdateLog
from rlvitals.adapters.vec_rewards import raw_rewards_of
from rlvitals.monitor import TrainingMonitor


class VitalsCallback(RunHolder, BaseCallback):
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
        trial: Optuna trial to which the training belongs (see `adapters.optuna`). Default: that of an `EvalCallback` in
            the same list, such as RL Zoo's `TrialEvalCallback`.
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
        trial: Any = None,
        verbose: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(verbose)
        self._run = TrainingRun(self, log_dir, monitor, options, loop="learn()")
        self._trial = trial
        self._info_keys = (info_keys,) if isinstance(info_keys, str) else tuple(info_keys)
        self._on_finding = tuple(on_finding)
        self._raw_rewards = raw_rewards
        self._actions: ActionTaker | None = None
        self._returns: RecordedReturns | None = None
        self._buffered: BufferedEpisodes | None = None
        self._evaluations: list[EvaluationWatch] = []

    # ------------------------------------------------------------------ callbacks of Stable-Baselines3

    def _on_training_start(self) -> None:
        total = self.locals.get("total_timesteps")
        facts, unreadable = facts_of(partial(configuration_of, self.model))
        call = getattr(self.model, "start_time", None)
        monitor = self._run.begin(self.model, total, step=self.num_timesteps, facts=facts, call=call)
        self._failures = FailureLog(monitor)
        self._episodes = EpisodeLog(monitor, self._info_keys, self._failures)
        self._progress = monitor.advance
        self._begin_actions()
        self._updates = UpdateLog(self.model, monitor, self._begin_episodes(), self._failures)
        with self._failures.caught("the start of the training could not be recorded"):
            self._run.trial = self._trial or trial_in(self.locals.get("callback"))
            self._run.take_place(self.num_timesteps, total, facts)
        with self._failures.caught("evaluations cannot be recorded"):
            self._watch_evaluations()
        if unreadable is not None:
            self._failures.note("the model's configuration could not be recorded", unreadable)

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
            self._updates.rollout_ended()
        self._record_buffered()
        self._record_evaluations()
        if self._actions is not None:
            self._actions.rollout_ended()
            self._go_on(self._actions)

    def _on_rollout_start(self) -> None:
        self._updates.record()  # this is the first callback after `train()`

    def _on_training_end(self) -> None:
        self._run.end_watch()
        self.monitor._requests.serve(())  # noqa: SLF001 - for adapters only
        self._updates.record(last=True)
        self._record_buffered(last=True)
        self._record_evaluations()
        self._unwatch_evaluations()
        if self._returns is not None:
            self._returns.remove()
        self._failures.close()
        self._run.end()

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

    def _begin_episodes(self) -> RecordedReturns:
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
        self._returns = returns = RecordedReturns(self.monitor, env.num_envs, layers, raw, self._failures, sums)
        self._add_rewards = returns.add
        self._buffered, self._last_step = None, self.num_timesteps
        self._is_monitored = False
        with self._failures.caught("the environment could not be checked for a Monitor"):
            self._is_monitored = is_vecenv_wrapped(env, VecMonitor) or env.env_is_wrapped(Monitor)[0]
        return returns

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
