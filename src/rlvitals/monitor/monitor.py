"""TrainingMonitor: records a training, answers questions about it, and diagnoses it while it runs."""

import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, SupportsIndex, TypeVar

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.compat.convergence_analysis import Courses
from rlvitals.compat.run_snapshot import RunStatus
from rlvitals.diagnosis import Diagnosis
from rlvitals.errors import ClosedError, NotPicklableError
from rlvitals.monitor.images import EncodedImage, ImageWriter
from rlvitals.monitor.live_diagnosis import start_live_diagnosis
from rlvitals.monitor.live_reader import LiveRun, TrainingSession
from rlvitals.monitor.log_methods import LogMethods
from rlvitals.monitor.start import start_recorder
from rlvitals.reader import RunResults
from rlvitals.recording import DroppedRecords, RecorderSettings, Resume, announcement, ending_of, failure_of, options
from rlvitals.recording.name_hints import NameHints
from rlvitals.recording.window import BUFFER_SIZE
from rlvitals.records import Episode, PolicyUpdate, Record
from rlvitals.runs import header as headers
from rlvitals.runs.header import Failure
from rlvitals.runs.run import Run
from rlvitals.sinks import SinkLike, TerminalSink

_log = logging.getLogger("rlvitals")
R = TypeVar("R", bound=Record)

_TOO_LARGE = 2**63


class TrainingMonitor(LogMethods, RunResults):
    """Records a training: every episode, every update, evaluations, the system's load and your own metrics.

    When a `log_*` call returns, its record is with the operating system: a kill loses nothing. Every call is safe
    from any thread. Failures of the monitor itself (a full disk, a sink that fails) are never raised into the training.

    The base classes hold no state: `LogMethods` makes records of calls, and `RunResults` answers questions. Both work
    through the methods at the end of this class, which use what the monitor owns: a recorder, an image writer, name
    hints, and a live run (reads what was recorded) with its live diagnosis.

    Args:
        log_dir: Folder of runs; the run gets its own folder in it.
        use_tensorboard: Whether TensorBoard gets the records too.
        use_wandb: Whether Weights & Biases gets the records too.
        project_name: Project of the run; empty for no project.
        session_name: Name of the run. If it is taken, a number is appended. By default it is made of the algorithm and
            the environment, if `configuration` names them, and the time (UTC): `PPO-CartPole-v1-20261129-0441`.
        buffer_size: Records of each stream in the live window, from which live statistics are computed.
        configuration: Settings of the training (hyper-parameters, environment), kept with the run.
        resume: Whether to resume a run of that name: `never`, `allow` (if there is one) or `must`.
        sinks: Where records also go: sinks, makers of sinks, or names of installed sinks.
        terminal: Whether to show the vital signs in one live line on standard error.
        update_frequency: Seconds between two updates of that line.
        total_timesteps: Planned environment steps of the training, if known.
        target: Reward that counts as solved, if there is one.
        log_level: Level of the logger `rlvitals`, as `logging` understands it.
        tags: Words to find the run by.
        report: Whether to write a report when the run ends, or its path: `.html`, `.md`, `.pdf` or `.png`. It takes
            about a second; errors are logged, not raised.
        settings: Settings of the recorder.
        mask_secrets: Whether keys, passwords and webhooks in the configuration, the command line, events and exceptions
            become `***`; or additional regular expressions for names and texts to mask.
        announce: Whether one line on standard error shows where the run is and how to watch it. The environment
            variable `RLVITALS_QUIET=1` turns it off too.
        clock: The clock.

    Raises:
        RunError: The run cannot be created or resumed. Nothing else raises for the disk.
        RecordError: Invalid option, or a configuration that cannot be serialised. No run is created.
        ValueError: `log_level` is unknown to `logging`, or one of `mask_secrets` is not a regular expression.
    """

    total_timesteps: int | None = None
    target: float | None = None

    def __init__(
        self,
        log_dir: str | Path = "logs/ppo_training",
        use_tensorboard: bool = False,
        use_wandb: bool = False,
        project_name: str = "",
        session_name: str | None = None,
        buffer_size: int = BUFFER_SIZE,
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
        announce: bool = True,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        # Validate everything before there is a folder.
        project, masking = options.project_of(project_name), options.masking_of(mask_secrets)
        goals, words = options.goals_of(total_timesteps, target), options.tags_of(tags)
        plain = masking.settings(options.plain_configuration(configuration))
        options.check_sizes(buffer_size, update_frequency)
        if log_level is not None:
            _log.setLevel(log_level)
        self._set_goals(goals)
        self._clock = clock
        wanted: list[SinkLike] = ["tensorboard"] * use_tensorboard + ["wandb"] * use_wandb + list(sinks)
        if terminal:
            wanted.append(TerminalSink(interval_s=update_frequency, total=self.total_timesteps, clock=clock))
        self._recorder, refused = start_recorder(
            Path(log_dir).absolute(),  # the training may change its working directory, and its run stays where it is
            session_name,
            resume=resume,
            project=project,
            configuration=plain,
            goals=goals,
            tags=words,
            masking=masking,
            sinks=wanted,
            settings=options.settings_of(settings, buffer_size),
            clock=clock,
        )
        self._images = ImageWriter(self._recorder.session.layout.artifacts)
        self._hints = NameHints()
        # The training may change its working directory before its report is written.
        self._report = Path(report).absolute() if isinstance(report, str | Path) else report
        self._live_diagnosis = start_live_diagnosis(self._recorder, target=self.target)
        self._live = LiveRun(self._recorder, self._live_diagnosis)
        counted = self._counted() if self.resumed else None
        self.log_event("state", "resumed" if self.resumed else "started", data=counted)
        for reason in refused:
            _log.warning("%s: %s", self.session_id, reason)
            self.log_event("sink", reason, severity="warning")
        if announce:
            announcement.announce(self.path)

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
    def session_id(self) -> str:
        """Unique name of the run."""
        return self._recorder.session.header.run_id

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self._recorder.path

    @property
    def run(self) -> Run:
        """The run as its readers see it; works while it is written, and after."""
        return Run(self.path)

    @property
    def status(self) -> str:
        """Status: running, completed, failed, preempted or paused."""
        return self._recorder.session.header.status

    @property
    def resumed(self) -> bool:
        """Whether the run is a resumed one."""
        return self._recorder.session.resumed

    @property
    def is_child(self) -> bool:
        """Whether this process is a fork of the one that records: here the run can only be read."""
        return self._recorder.is_child

    @property
    def session(self) -> TrainingSession:
        """The training as it is now."""
        return self._live.session()

    @property
    def env_step(self) -> int | None:
        """The furthest environment step so far; `None` before the first."""
        return self._recorder.window.env_step

    @property
    def last_episode(self) -> int | None:
        """Number of the last episode; `None` before the first."""
        return self._recorder.window.last_episode

    def dropped_records(self) -> DroppedRecords:
        """Count dropped records: lost or waiting for the disk, and dropped by sinks."""
        return self._recorder.dropped_records()

    def failures(self) -> dict[str, str]:
        """Current failures with their reasons: streams that cannot be written, sinks that fail."""
        return self._recorder.failures()

    def advance(self, env_step: int) -> None:
        """Report progress between two records. Writes nothing and costs next to nothing.

        Args:
            env_step: Environment steps of the whole training so far.

        Raises:
            RecordError: Not a whole number from 0 to 2**63 - 1.
        """
        if type(env_step) is not int or not 0 <= env_step < _TOO_LARGE:
            env_step = options.step_of(env_step)
        self._recorder.window.advance(env_step)

    def rewind(self, *, env_step: int | None = None, episode: int | None = None, step: int | None = None) -> None:
        """Go on from an earlier checkpoint.

        Records beyond it become an abandoned branch: kept, marked, and left out by readers unless they ask for it.

        Args:
            env_step: Environment step of the checkpoint.
            episode: Episode of the checkpoint, for records without an environment step.
            step: Step of the training's own clock, likewise.

        Raises:
            RecordError: One of them is not a whole number of at least 0; nothing is changed.
            ClosedError: The monitor is closed.
        """
        rewind = options.rewind_of(env_step=env_step, episode=episode, step=step)
        self._recorder.rewind(rewind)
        self.log_event("rewind", f"went back to {rewind.place}", data=self._counted())

    def update_configuration(self, configuration: Mapping[str, Any]) -> None:
        """Add settings to the configuration; those with the same name are replaced.

        Raises:
            RecordError: A setting cannot be serialised.
            ClosedError: The monitor is closed.
        """
        self._recorder.check_open()
        session = self._recorder.session
        session.header.configuration |= session.masking.settings(options.plain_configuration(configuration))
        self._recorder.save()

    def set_goals(self, *, total_timesteps: int | None = None, target: float | None = None) -> None:
        """Set goals that were not known when the monitor was created; `None` changes nothing.

        Args:
            total_timesteps: Planned environment steps.
            target: Reward that counts as solved.

        Raises:
            RecordError: One of them is invalid; nothing is changed.
            ClosedError: The monitor is closed.
        """
        goals = options.goals_of(total_timesteps, target)
        self._recorder.check_open()
        self._set_goals(goals)
        if self._live_diagnosis is not None:
            self._live_diagnosis.set_target(self.target)
        self._recorder.session.header.goals |= goals
        self._recorder.save()

    def pause(self) -> None:
        """Mark the training as paused.

        Raises:
            ClosedError: The monitor is closed.
        """
        self._recorder.set_status(headers.PAUSED)

    def unpause(self) -> None:
        """Mark the training as running again.

        Raises:
            ClosedError: The monitor is closed.
        """
        self._recorder.set_status(headers.RUNNING)

    def save_session(self) -> None:
        """Force everything to the disk, and write the header; does nothing after `close`."""
        self._recorder.save()
        self._recorder.flush()

    def close(self) -> None:
        """End the run as completed. Reading still works; writing raises `ClosedError`. May be called again."""
        self._end(headers.COMPLETED, None)

    def fail(self, error: BaseException) -> None:
        """End the run as failed, with the exception that ended it."""
        self._end(headers.FAILED, failure_of(error))

    def _end(self, status: str, failure: Failure | None) -> None:
        self._recorder.close(status, failure)
        wanted, self._report = self._report, False
        if wanted is not False and not self._recorder.is_child:
            from rlvitals.render.report_writer import write_quietly  # noqa: PLC0415 - loads duckdb

            write_quietly(self.path, None if wanted is True else wanted, clock=self._clock)

    def _counted(self) -> dict[str, int | None]:
        window = self._recorder.window
        return {"episodes": window.episodes, "env_step": window.env_step}

    def _set_goals(self, goals: Mapping[str, float]) -> None:
        if "total_timesteps" in goals:
            self.total_timesteps = int(goals["total_timesteps"])
        self.target = goals.get("target", self.target)

    # -- what LogMethods needs

    def _record(self, kind: type[R], values: dict[str, Any]) -> R:
        return self._recorder.record(kind, values)

    def _mask(self, text: str) -> str:
        return self._recorder.session.masking.text(text)

    def _write_image(self, name: str, image: EncodedImage) -> str | None:
        self._recorder.check_open()
        return None if self.is_child else self._images.write(name, image)

    def _check_names(
        self, own: Mapping[str, Any], kind: type[Record], refused: Mapping[str, str] | None = None
    ) -> None:
        for name, hint in self._hints.new(own, kind, refused):
            _log.warning("%s: %s", self.session_id, hint)
            with contextlib.suppress(ClosedError):  # the record itself is then refused
                self.log_event("metric", hint, severity="warning", code="metric-name", data={"name": name})

    # -- what RunResults needs

    @property
    def window_size(self) -> int:
        """Records of each stream in the live window."""
        return self._live.window_size

    def recent_episodes(self, count: int) -> list[Episode]:
        """The last episodes, oldest first."""
        return self._live.recent_episodes(count)

    def recent_updates(self, count: int) -> list[PolicyUpdate]:
        """The last updates, oldest first."""
        return self._live.recent_updates(count)

    def run_status(self) -> RunStatus:
        """The run's status as its writer knows it."""
        return self._live.run_status()

    def courses(self, episodes: Sequence[Episode], status: RunStatus) -> Courses:
        """What the reward and the quality of the whole run did."""
        return self._live.courses(episodes, status)

    def diagnosis(self) -> Diagnosis:
        """Diagnose the training as it is now."""
        return self._live.diagnosis()
