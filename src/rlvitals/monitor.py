"""TrainingMonitor: the one facade over recording and reading."""

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import SinkError
from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Scalars
from rlvitals.records.coercion import coerce, spelled
from rlvitals.records.schema import Column, Field
from rlvitals.recording import Losses, Recorder, RecorderSettings, Resume, failure_of, open_session
from rlvitals.runs import header as headers
from rlvitals.runs.header import Rewind
from rlvitals.runs.run import Run
from rlvitals.sinks import Sink, TerminalSink, make_sink
from rlvitals.summary import window_statistics

_log = logging.getLogger("rlvitals")

SinkLike = str | Sink | Callable[[], Sink]


class TrainingSession(NamedTuple):
    """A training, as it stands.

    Attributes:
        session_id: Its unique name.
        start_time: When it began (UTC, seconds since 1970).
        end_time: When it ended; `None` while it runs.
        total_episodes: Episodes finished.
        total_timesteps: Environment steps taken, as far as was said.
        configuration: The user's settings.
        status: running, completed, failed or paused.
    """

    session_id: str
    start_time: float
    end_time: float | None
    total_episodes: int
    total_timesteps: int
    configuration: dict[str, Any]
    status: str


class TrainingMonitor:
    """Records a training: every episode, every update, evaluations, the system's load and the user's own metrics.

    When a `log_*` call returns, its record is with the operating system: a kill loses nothing. Every call is safe
    from any thread. Troubles of the monitor's own (a full disk, a sink that fails) are never raised into the training.

    Args:
        log_dir: The folder of runs; the run gets a folder of its own in it.
        use_tensorboard: Whether TensorBoard gets the records too.
        use_wandb: Whether Weights & Biases gets the records too.
        project_name: What the run belongs to.
        session_name: The run's name. If it is taken, a number is put behind it. By default one is made of the time.
        buffer_size: Records of each stream in the live window, from which live statistics come.
        configuration: The training's settings (hyper-parameters, environment), to be kept with the run.
        resume: Whether a run of that name is taken up: `never`, `allow` (if there is one) or `must`.
        sinks: Where records also go: sinks, makers of sinks, or names of sinks that are installed.
        terminal: Whether the vital signs are shown in one live line on standard error.
        update_frequency: Seconds between two updates of that line.
        total_timesteps: Environment steps that the training is to take, if known.
        target: The reward that counts as solved, if there is one.
        log_level: Level of the logger `rlvitals`, as `logging` understands it.
        tags: Words to find the run by.
        settings: How the recorder records.
        clock: Tells the time.

    Raises:
        RunError: The run cannot be made or resumed. This is the only time that the monitor raises for the disk.
        RecordError: The configuration holds something that cannot be written down.
    """

    def __init__(
        self,
        log_dir: str | Path = "logs/ppo_training",
        use_tensorboard: bool = False,
        use_wandb: bool = False,
        project_name: str = "vtracer-rl-optimization",
        session_name: str | None = None,
        buffer_size: int = 1000,
        configuration: Mapping[str, Any] | None = None,
        resume: Resume = "never",
        *,
        sinks: Iterable[SinkLike] = (),
        terminal: bool = False,
        update_frequency: float | None = None,
        total_timesteps: int | None = None,
        target: float | None = None,
        log_level: int | str | None = None,
        tags: Iterable[str] = (),
        settings: RecorderSettings | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if log_level is not None:
            _log.setLevel(log_level)
        self._clock = clock
        self.total_timesteps = total_timesteps
        self.target = target
        plain = _plain_configuration(configuration)
        session = open_session(
            Path(log_dir), session_name, resume=resume, project=project_name, configuration=plain, clock=clock
        )
        header = session.header
        header.tags = list(dict.fromkeys((*header.tags, *tags)))
        header.configuration = {**header.configuration, **plain}
        header.goals = _goals(total_timesteps, target) or header.goals
        wanted: list[SinkLike] = ["tensorboard"] * use_tensorboard + ["wandb"] * use_wandb + list(sinks)
        if terminal:
            wanted.append(TerminalSink(interval_s=update_frequency, total=total_timesteps, clock=clock))
        made, refused = _make_sinks(wanted)
        self._recorder = Recorder(
            session,
            settings=_settings(settings, buffer_size),
            sinks=made,
            clock=clock,
        )
        self._recorder.save()
        self.log_event("state", "resumed" if session.resumed else "started")
        for reason in refused:
            _log.warning("%s: %s", self.session_id, reason)
            self.log_event("sink", reason, severity="warning")

    def __repr__(self) -> str:
        return f"TrainingMonitor({str(self.path)!r}, {self.status})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.fail(error)

    @property
    def session_id(self) -> str:
        """The run's unique name."""
        return self._recorder.session.header.run_id

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._recorder.path

    @property
    def status(self) -> str:
        """Running, completed, failed or paused."""
        return self._recorder.session.header.status

    @property
    def resumed(self) -> bool:
        """Whether the run had been begun before."""
        return self._recorder.session.resumed

    @property
    def env_step(self) -> int | None:
        """The furthest environment step that was said; `None` before the first."""
        return self._recorder.window.env_step

    @property
    def last_episode(self) -> int | None:
        """The number of the last episode; `None` before the first."""
        return self._recorder.window.last_episode

    @property
    def session(self) -> TrainingSession:
        """The training, as it stands."""
        header, window = self._recorder.session.header, self._recorder.window
        return TrainingSession(
            session_id=header.run_id,
            start_time=header.started,
            end_time=header.ended,
            total_episodes=window.episodes,
            total_timesteps=window.env_step or 0,
            configuration=dict(header.configuration),
            status=header.status,
        )

    @property
    def run(self) -> Run:
        """The run as its readers see it; works while it is written, and after."""
        return Run(self.path)

    # ------------------------------------------------------------------ what happened

    def log_episode(
        self,
        episode: int,
        reward: float,
        length: int,
        quality_improvement: float | None = None,
        quality_final: float | None = None,
        quality_initial: float | None = None,
        termination_reason: str | None = "max_steps",
        success: bool | None = False,
        algorithm_metrics: Mapping[str, float] | None = None,
        performance_metrics: Mapping[str, float] | None = None,
        additional_info: Mapping[str, Any] | None = None,
        *,
        time: float | None = None,
        env_step: int | None = None,
        category: str | None = None,
        difficulty: str | float | None = None,
        duration: float | None = None,
        memory: float | None = None,
        env_index: int | None = None,
        reward_parts: Mapping[str, float] | None = None,
        parameters: Mapping[str, Any] | None = None,
        info: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Episode:
        """Record one finished episode.

        Args:
            episode: Its number.
            reward: Its return: the undiscounted sum of rewards.
            length: Its environment steps.
            quality_improvement: Final less initial quality; worked out where both are given and this is not.
            quality_final: The quality that was reached.
            quality_initial: The quality that it began with.
            termination_reason: Why it ended.
            success: Whether it reached what it should; `None` where there is no such thing.
            algorithm_metrics: Metrics of the algorithm at that moment (`policy_loss`, `entropy`, ...).
            performance_metrics: `episode_time` (seconds), `memory_usage` (MiB), and others.
            additional_info: `logo_type`, `difficulty`, `parameters_explored`, and anything else, nested dicts too.
            time: When it ended (UTC, seconds since 1970); now by default.
            env_step: Environment steps of the whole training when it ended.
            category: Its kind, for example the logo's type.
            difficulty: How hard it was; kept as text.
            duration: Seconds that it took.
            memory: Memory of the process, MiB.
            env_index: Which of several environments it ran in.
            reward_parts: The reward's parts, by name.
            parameters: The parameters that were tried.
            info: Anything else that is not flat.
            extra: The user's own numbers, flags and short texts.
            **more: The same, for those who would rather name them here.

        Returns:
            The record, as it was kept.

        Raises:
            RecordError: A value that no record can hold; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        if quality_improvement is None and quality_final is not None and quality_initial is not None:
            quality_improvement = quality_final - quality_initial
        if additional_info:
            rest = dict(additional_info)
            category = rest.pop("logo_type", None) if category is None else category
            difficulty = rest.pop("difficulty", None) if difficulty is None else difficulty
            if parameters is None and isinstance(rest.get("parameters_explored"), Mapping):
                parameters = rest.pop("parameters_explored")
            info = {**rest, **info} if info else rest
        if performance_metrics:
            measured = dict(performance_metrics)
            duration = measured.pop("episode_time", None) if duration is None else duration
            memory = measured.pop("memory_usage", None) if memory is None else memory
            more = {**measured, **more}
        if more:
            extra = {**extra, **more} if extra else more
        return self._recorder.record(
            Episode,
            {
                "time": self._clock.time() if time is None else time,
                "episode": episode,
                "reward": reward,
                "length": length,
                "env_step": env_step,
                "termination_reason": termination_reason,
                "success": success,
                "quality_initial": quality_initial,
                "quality_final": quality_final,
                "quality_improvement": quality_improvement,
                "category": category,
                "difficulty": difficulty,
                "duration": duration,
                "memory": memory,
                "env_index": env_index,
                "reward_parts": reward_parts or None,
                "parameters": parameters or None,
                "algorithm": algorithm_metrics or None,
                "extra": extra or None,
                "info": info or None,
            },
        )

    def log_training_step(
        self,
        step: int,
        policy_loss: float | None = None,
        value_loss: float | None = None,
        entropy: float | None = None,
        kl_divergence: float | None = None,
        learning_rate: float | None = None,
        gradient_norm: float | None = None,
        *,
        time: float | None = None,
        env_step: int | None = None,
        update: int | None = None,
        clip_fraction: float | None = None,
        explained_variance: float | None = None,
        gradient_norm_max: float | None = None,
        gradient_norm_limit: float | None = None,
        clip_range: float | None = None,
        loss: float | None = None,
        action_std: float | None = None,
        action_bound_fraction: float | None = None,
        advantage_mean: float | None = None,
        advantage_std: float | None = None,
        value_mean: float | None = None,
        return_mean: float | None = None,
        return_std: float | None = None,
        reward_mean: float | None = None,
        epochs: float | None = None,
        duration: float | None = None,
        extra: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> PolicyUpdate:
        """Record one update of the policy.

        Args:
            step: The environment step, or the number of the update: the training's own clock.
            policy_loss: The clipped surrogate loss.
            value_loss: The loss of the value function.
            entropy: The policy's entropy, nats (not the entropy loss, which is its negative).
            kl_divergence: Approximate KL divergence between the old policy and the new.
            learning_rate: Step size of the optimiser.
            gradient_norm: L2 norm of the gradient before clipping.
            time: When it ended (UTC, seconds since 1970); now by default.
            env_step: Environment steps of the whole training, where `step` is another clock.
            update: The number of the update.
            clip_fraction: Share of samples whose probability ratio was clipped, 0 to 1.
            explained_variance: 1 - Var[returns - values] / Var[returns], at most 1.
            gradient_norm_max: The largest of the minibatches' gradient norms; `gradient_norm` is their mean.
            gradient_norm_limit: The norm to which gradients are clipped.
            clip_range: The range to which the probability ratio is clipped: 1 +/- this.
            loss: The total loss.
            action_std: Mean standard deviation of a Gaussian policy's actions.
            action_bound_fraction: Share of the rollout's action components at a bound of the action space, 0 to 1.
            advantage_mean: Mean advantage of the rollout, before normalisation.
            advantage_std: Standard deviation of the rollout's advantages, before normalisation.
            value_mean: Mean value estimate of the rollout.
            return_mean: Mean return (advantage plus value) of the rollout.
            return_std: Standard deviation of the rollout's returns.
            reward_mean: Mean reward of a step of the rollout.
            epochs: Epochs really done; fewer than asked for where `target_kl` stopped them.
            duration: Seconds that the update took.
            extra: The user's own numbers, flags and short texts.
            **more: The same, for those who would rather name them here.

        Returns:
            The record, as it was kept.

        Raises:
            RecordError: A value that no record can hold; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        if more:
            extra = {**extra, **more} if extra else more
        return self._recorder.record(
            PolicyUpdate,
            {
                "time": self._clock.time() if time is None else time,
                "step": step,
                "env_step": env_step,
                "update": update,
                "policy_loss": policy_loss,
                "value_loss": value_loss,
                "entropy": entropy,
                "kl_divergence": kl_divergence,
                "clip_fraction": clip_fraction,
                "explained_variance": explained_variance,
                "learning_rate": learning_rate,
                "gradient_norm": gradient_norm,
                "gradient_norm_max": gradient_norm_max,
                "gradient_norm_limit": gradient_norm_limit,
                "clip_range": clip_range,
                "loss": loss,
                "action_std": action_std,
                "action_bound_fraction": action_bound_fraction,
                "advantage_mean": advantage_mean,
                "advantage_std": advantage_std,
                "value_mean": value_mean,
                "return_mean": return_mean,
                "return_std": return_std,
                "reward_mean": reward_mean,
                "epochs": epochs,
                "duration": duration,
                "extra": extra or None,
            },
        )

    def log_evaluation(
        self,
        episode: int,
        eval_reward: float,
        eval_quality: float | None = None,
        eval_success_rate: float | None = None,
        eval_episodes: int = 1,
        *,
        time: float | None = None,
        **fields: Any,
    ) -> Evaluation:
        """Record one evaluation.

        Args:
            episode: Episodes of training before it.
            eval_reward: Mean return.
            eval_quality: Mean quality.
            eval_success_rate: Share of episodes that succeeded, 0 to 1.
            eval_episodes: Episodes that were evaluated.
            time: When (UTC, seconds since 1970); now by default.
            **fields: Any other field of `records.Evaluation` (`env_step`, `policy`, `reward_std`, `categories`, `items`,
                ...); numbers under other names are kept in `extra`.

        Returns:
            The record, as it was kept.

        Raises:
            RecordError: A value that no record can hold; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        if not fields.keys() <= _EVALUATION_FIELDS:
            own = {name: fields.pop(name) for name in fields.keys() - _EVALUATION_FIELDS}
            fields["extra"] = {**fields.get("extra", {}), **own}
        return self._recorder.record(
            Evaluation,
            {
                "time": self._clock.time() if time is None else time,
                "episode": episode,
                "reward": eval_reward,
                "quality": eval_quality,
                "success_rate": eval_success_rate,
                "episodes": eval_episodes,
                **fields,
            },
        )

    def log_metrics(
        self,
        category: str,
        metrics: Mapping[str, Any],
        *,
        step: int | None = None,
        env_step: int | None = None,
        time: float | None = None,
    ) -> Scalars:
        """Record metrics of the user's own.

        Args:
            category: What they are about; any short text.
            metrics: Numbers, flags and short texts by name.
            step: The step that they belong to; by default the furthest environment step that was said.
            env_step: The environment step, where that is another clock.
            time: When (UTC, seconds since 1970); now by default.

        Returns:
            The record, as it was kept.

        Raises:
            RecordError: A value that no record can hold; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        return self._recorder.record(
            Scalars,
            {
                "time": self._clock.time() if time is None else time,
                "step": (self.env_step or 0) if step is None else step,
                "env_step": env_step,
                "category": category,
                "values": metrics,
            },
        )

    def log_event(
        self,
        kind: str,
        message: str,
        *,
        severity: str = "info",
        code: str | None = None,
        env_step: int | None = None,
        episode: int | None = None,
        data: Mapping[str, Any] | None = None,
        time: float | None = None,
    ) -> Event:
        """Record something that happened once.

        Args:
            kind: What sort of thing: `note`, `milestone`, `state`, or the user's own.
            message: What, in one sentence.
            severity: `info`, `warning` or `critical`.
            code: A stable name for programs.
            env_step: The environment step; by default the furthest that was said.
            episode: The episode.
            data: Anything else; may be nested.
            time: When (UTC, seconds since 1970); now by default.

        Returns:
            The record, as it was kept.

        Raises:
            RecordError: A value that no record can hold; nothing was recorded.
            ClosedError: The monitor is closed.
        """
        return self._recorder.record(
            Event,
            {
                "time": self._clock.time() if time is None else time,
                "kind": kind,
                "message": message,
                "severity": severity,
                "code": code,
                "env_step": self.env_step if env_step is None else env_step,
                "episode": episode,
                "data": data,
            },
        )

    def log_note(self, text: str) -> Event:
        """Record a note in the user's own words.

        Returns:
            The record, as it was kept.

        Raises:
            ClosedError: The monitor is closed.
        """
        return self.log_event("note", text)

    def progress(self, env_step: int) -> None:
        """Say how far the training is, between two records; costs next to nothing, and writes nothing."""
        self._recorder.window.advance(env_step)

    # ------------------------------------------------------------------ the run's own state

    def rewind(self, *, env_step: int | None = None, episode: int | None = None, step: int | None = None) -> None:
        """Go on from an earlier checkpoint.

        What was recorded beyond it becomes an abandoned branch: it is kept and marked, and readers leave it out unless
        they ask for it.

        Args:
            env_step: The checkpoint's environment step.
            episode: The checkpoint's episode, for records without an environment step.
            step: The checkpoint's step of the training's own clock, likewise.
        """
        self._recorder.rewind(Rewind(env_step=env_step, episode=episode, step=step))
        self.log_event("rewind", f"went back to {_named(env_step=env_step, episode=episode, step=step)}")

    def update_configuration(self, configuration: Mapping[str, Any]) -> None:
        """Add to the configuration that is kept with the run; what has the same name is replaced.

        Raises:
            RecordError: It holds something that cannot be written down.
        """
        self._recorder.session.header.configuration |= _plain_configuration(configuration)
        self._recorder.save()

    def set_goals(self, *, total_timesteps: int | None = None, target: float | None = None) -> None:
        """Say what the training aims at, where that was not known when the monitor was made; `None` changes nothing.

        Args:
            total_timesteps: Environment steps that it is to take.
            target: The reward that counts as solved.
        """
        self.total_timesteps = self.total_timesteps if total_timesteps is None else total_timesteps
        self.target = self.target if target is None else target
        self._recorder.session.header.goals |= _goals(total_timesteps, target)
        self._recorder.save()

    def pause(self) -> None:
        """Say that the training waits on purpose."""
        self._set_status(headers.PAUSED)

    def unpause(self) -> None:
        """Say that the training goes on."""
        self._set_status(headers.RUNNING)

    def save_session(self) -> None:
        """Force everything to the disk, and write the header as it stands."""
        self._recorder.save()
        self._recorder.flush()

    def close(self) -> None:
        """End the run as completed. Reading goes on working; writing raises `ClosedError`. May be called again."""
        self._end(headers.COMPLETED)

    def fail(self, error: BaseException) -> None:
        """End the run as failed, with the exception that ended it."""
        self._end(headers.FAILED, error)

    def losses(self) -> Losses:
        """What could not be kept: records lost or waiting for the disk, and records that sinks dropped."""
        return self._recorder.losses()

    def troubles(self) -> dict[str, str]:
        """What does not work at present (streams that cannot be written, sinks that fail), with the reason."""
        return self._recorder.troubles()

    # ------------------------------------------------------------------ reading

    def get_training_statistics(self, window_size: int | None = None) -> dict[str, Any]:
        """Statistics of the live window.

        Args:
            window_size: Episodes to look at, the last ones; by default all in the window (`buffer_size`).

        Returns:
            See `API.md`; before the first episode a dict with a `message`.
        """
        window = self._recorder.window
        header = self._recorder.session.header
        return window_statistics(
            window.last(Episode, window_size),
            window.last(PolicyUpdate),
            session_id=header.run_id,
            total_episodes=window.episodes,
            training_seconds=(header.ended or self._clock.time()) - header.started,
        )

    def _set_status(self, status: str) -> None:
        self._recorder.session.header.status = status
        self.log_event("state", status)
        self._recorder.save()

    def _end(self, status: str, error: BaseException | None = None) -> None:
        if self._recorder.closed:
            return
        failure = None if error is None else failure_of(error)
        message = status if failure is None else f"{status}: {failure.type}: {failure.message}"
        self.log_event("state", message, severity="info" if failure is None else "critical")
        self._recorder.close(status, failure)


_EVALUATION_FIELDS = frozenset(Evaluation.__struct_fields__) - {"time", "writer", "episode", "reward", "quality"}


def create_training_monitor(
    log_dir: str | Path = "logs/ppo_training",
    session_name: str | None = None,
    use_tensorboard: bool = False,
    use_wandb: bool = False,
    **options: Any,
) -> TrainingMonitor:
    """Make a monitor; the options are those of `TrainingMonitor`.

    Raises:
        RunError: The run cannot be made or resumed.
    """
    return TrainingMonitor(log_dir, use_tensorboard, use_wandb, session_name=session_name, **options)


def _plain_configuration(configuration: Mapping[str, Any] | None) -> dict[str, Any]:
    if not configuration:
        return {}
    field = Field("configuration", Column.TREE, required=False)
    plain: dict[str, Any] = spelled(coerce(field, configuration, "TrainingMonitor"))
    return plain


def _goals(total_timesteps: int | None, target: float | None) -> dict[str, float]:
    given = {"total_timesteps": total_timesteps, "target": target}
    return {name: value for name, value in given.items() if value is not None}


def _settings(settings: RecorderSettings | None, buffer_size: int) -> RecorderSettings:
    return settings or RecorderSettings(buffer_size=buffer_size)


def _make_sinks(wanted: Iterable[SinkLike]) -> tuple[list[Sink], list[str]]:
    """Make the sinks; one that cannot be made is told of, and training goes on without it."""
    made: list[Sink] = []
    refused: list[str] = []
    for what in wanted:
        try:
            made.append(make_sink(what))
        except SinkError as error:
            refused.append(str(error))
    return made, refused


def _named(**clocks: int | None) -> str:
    return ", ".join(f"{name} {at}" for name, at in clocks.items() if at is not None) or "the beginning"
