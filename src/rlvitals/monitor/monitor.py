"""TrainingMonitor: the one facade over recording and reading."""

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, Self, SupportsIndex

import msgspec

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import NotPicklableError, SinkError
from rlvitals.monitor.images import PictureLog
from rlvitals.monitor.live_reader import LiveReadings
from rlvitals.monitor.log_methods import Logbook
from rlvitals.recording import (
    Losses,
    Recorder,
    RecorderSettings,
    Resume,
    ending_of,
    failure_of,
    open_session,
)
from rlvitals.recording.options import check_sizes, goals_of, project_of, rewind_of, tags_of
from rlvitals.records.coercion import coerce, spelled
from rlvitals.records.masking import Masking
from rlvitals.records.schema import Column, Field
from rlvitals.runs import header as headers
from rlvitals.runs.header import Failure, Rewind
from rlvitals.runs.run import Run
from rlvitals.sinks import Sink, SinkContext, TerminalSink, make_sink

_log = logging.getLogger("rlvitals")

_BUFFER_SIZE = RecorderSettings().buffer_size

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
        status: running, completed, failed, preempted or paused.
    """

    session_id: str
    start_time: float
    end_time: float | None
    total_episodes: int
    total_timesteps: int
    configuration: dict[str, Any]
    status: str


class TrainingMonitor(Logbook, PictureLog, LiveReadings):
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
        report: Whether a report is written when the run ends, or its path: `.html`, `.md`, `.pdf` or `.png`. It takes a
            second or so, and raises nothing: what went wrong is logged.
        settings: How the recorder records.
        mask_secrets: Whether keys, passwords and webhooks in the configuration, the command line, events and exceptions
            become `***`; or further regular expressions for names and texts that are masked too.
        clock: Tells the time.

    Raises:
        RunError: The run cannot be made or resumed. This is the only time that the monitor raises for the disk.
        RecordError: An option that cannot be, or a configuration that cannot be written down; nothing was made.
        ValueError: `log_level` is none that `logging` knows, or one of `mask_secrets` is not a regular expression.
    """

    total_timesteps: int | None = None
    target: float | None = None

    def __init__(
        self,
        log_dir: str | Path = "logs/ppo_training",
        use_tensorboard: bool = False,
        use_wandb: bool = False,
        project_name: str = "vtracer-rl-optimization",
        session_name: str | None = None,
        buffer_size: int = _BUFFER_SIZE,
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
        report: bool | str | Path = False,
        settings: RecorderSettings | None = None,
        mask_secrets: bool | Iterable[str] = True,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        # What cannot be is refused before there is a folder.
        project, masking = project_of(project_name), _masking(mask_secrets)
        goals, words, plain = goals_of(total_timesteps, target), tags_of(tags), _plain_configuration(configuration)
        plain = masking.settings(plain)
        check_sizes(buffer_size, update_frequency)
        if log_level is not None:
            _log.setLevel(log_level)
        self._aim_at(goals)
        # A training may go to another folder, and its run stays where it is.
        where = Path(log_dir).absolute()
        session = open_session(
            where,
            session_name,
            resume=resume,
            project=project,
            configuration=plain,
            clock=clock,
            masking=masking,
        )
        header = session.header
        header.tags = list(dict.fromkeys((*header.tags, *words)))
        header.configuration = {**header.configuration, **plain}
        header.goals = goals or header.goals
        wanted: list[SinkLike] = ["tensorboard"] * use_tensorboard + ["wandb"] * use_wandb + list(sinks)
        if terminal:
            wanted.append(TerminalSink(interval_s=update_frequency, total=self.total_timesteps, clock=clock))
        context = SinkContext(
            path=session.layout.path,
            artifacts=session.layout.artifacts,
            run_id=header.run_id,
            project=header.project,
            configuration=lambda: dict(header.configuration),
            resumed=session.resumed,
        )
        made, refused = _make_sinks(wanted, context)
        super().__init__(Recorder(session, settings=_settings(settings, buffer_size), sinks=made, clock=clock), clock)
        # A training may go to another folder before its report is written.
        self._report = Path(report).absolute() if isinstance(report, str | Path) else report
        self._recorder.save()
        self._vigil = self._begin_vigil(self.target)
        self.log_event("state", "resumed" if session.resumed else "started")
        for reason in map(masking.text, refused):
            _log.warning("%s: %s", self.session_id, reason)
            self.log_event("sink", reason, severity="warning")

    def __repr__(self) -> str:
        return f"TrainingMonitor({str(self.path)!r}, {self.status})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(*ending_of(error))

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise NotPicklableError.of(f"TrainingMonitor (run {self.session_id})")

    @property
    def is_child(self) -> bool:
        """Whether this process is a fork of the one that records: here the run can be read only."""
        return self._recorder.is_child

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
        """Running, completed, failed, preempted or paused."""
        return self._recorder.session.header.status

    @property
    def resumed(self) -> bool:
        """Whether the run had been begun before."""
        return self._recorder.session.resumed

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

    def rewind(self, *, env_step: int | None = None, episode: int | None = None, step: int | None = None) -> None:
        """Go on from an earlier checkpoint.

        What was recorded beyond it becomes an abandoned branch: it is kept and marked, and readers leave it out unless
        they ask for it.

        Args:
            env_step: The checkpoint's environment step.
            episode: The checkpoint's episode, for records without an environment step.
            step: The checkpoint's step of the training's own clock, likewise.

        Raises:
            RecordError: A clock is no whole number of at least 0; nothing was changed.
            ClosedError: The monitor is closed.
        """
        rewind = rewind_of(env_step=env_step, episode=episode, step=step)
        self._recorder.rewind(rewind)
        self.log_event("rewind", f"went back to {_named(rewind)}")

    def update_configuration(self, configuration: Mapping[str, Any]) -> None:
        """Add to the configuration that is kept with the run; what has the same name is replaced.

        Raises:
            RecordError: It holds something that cannot be written down.
            ClosedError: The monitor is closed.
        """
        self._recorder.check_open()
        session = self._recorder.session
        session.header.configuration |= session.masking.settings(_plain_configuration(configuration))
        self._recorder.save()

    def set_goals(self, *, total_timesteps: int | None = None, target: float | None = None) -> None:
        """Say what the training aims at, where that was not known when the monitor was made; `None` changes nothing.

        Args:
            total_timesteps: Environment steps that it is to take.
            target: The reward that counts as solved.

        Raises:
            RecordError: One of them is no such number; nothing was changed.
            ClosedError: The monitor is closed.
        """
        goals = goals_of(total_timesteps, target)
        self._recorder.check_open()
        self._aim_at(goals)
        if self._vigil is not None:
            self._vigil.milestones.target = self.target
        self._recorder.session.header.goals |= goals
        self._recorder.save()

    def pause(self) -> None:
        """Say that the training waits on purpose.

        Raises:
            ClosedError: The monitor is closed.
        """
        self._set_status(headers.PAUSED)

    def unpause(self) -> None:
        """Say that the training goes on.

        Raises:
            ClosedError: The monitor is closed.
        """
        self._set_status(headers.RUNNING)

    def save_session(self) -> None:
        """Force everything to the disk, and write the header as it stands; nothing is left to do after `close`."""
        self._recorder.save()
        self._recorder.flush()

    def close(self) -> None:
        """End the run as completed. Reading goes on working; writing raises `ClosedError`. May be called again."""
        self._end(headers.COMPLETED, None)

    def fail(self, error: BaseException) -> None:
        """End the run as failed, with the exception that ended it."""
        self._end(headers.FAILED, failure_of(error))

    def losses(self) -> Losses:
        """What could not be kept: records lost or waiting for the disk, and records that sinks dropped."""
        return self._recorder.losses()

    def troubles(self) -> dict[str, str]:
        """What does not work at present (streams that cannot be written, sinks that fail), with the reason."""
        return self._recorder.troubles()

    def _aim_at(self, goals: Mapping[str, float]) -> None:
        if "total_timesteps" in goals:
            self.total_timesteps = int(goals["total_timesteps"])
        self.target = goals.get("target", self.target)

    def _set_status(self, status: str) -> None:
        self._recorder.set_status(status)

    def _end(self, status: str, failure: Failure | None) -> None:
        self._recorder.close(status, failure)
        wanted, self._report = self._report, False
        if wanted is not False and not self._recorder.is_child:
            from rlvitals.reports.writing import write_quietly  # noqa: PLC0415 - loads duckdb

            write_quietly(self.run, None if wanted is True else wanted)


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
    if configuration is None:
        return {}
    field = Field("configuration", Column.TREE, required=False)
    plain: dict[str, Any] = spelled(coerce(field, configuration, "TrainingMonitor") or {})
    return plain


def _masking(wanted: bool | Iterable[str]) -> Masking:
    if isinstance(wanted, bool):
        return Masking(enabled=wanted, environment=os.environ)
    return Masking([wanted] if isinstance(wanted, str) else wanted, environment=os.environ)


def _settings(settings: RecorderSettings | None, buffer_size: int) -> RecorderSettings:
    settings = settings or RecorderSettings()
    return settings if buffer_size == _BUFFER_SIZE else msgspec.structs.replace(settings, buffer_size=buffer_size)


def _make_sinks(wanted: Iterable[SinkLike], context: SinkContext) -> tuple[list[Sink], list[str]]:
    """Make the sinks; one that cannot be made is told of, and training goes on without it."""
    made: list[Sink] = []
    refused: list[str] = []
    for what in wanted:
        try:
            made.append(make_sink(what, context))
        except SinkError as error:
            refused.append(str(error))
    return made, refused


def _named(rewind: Rewind) -> str:
    clocks = msgspec.structs.asdict(rewind)
    return ", ".join(f"{name} {at}" for name, at in clocks.items() if at is not None) or "the beginning"
