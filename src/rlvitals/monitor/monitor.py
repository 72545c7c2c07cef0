"""`TrainingMonitor`: records a training run, computes statistics of it, and diagnoses it while it runs."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
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
from rlvitals.monitor.request_desk import RequestDesk
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
    """Records a training run: episodes, updates, evaluations, system load and custom metrics.

    When a `log_*` call returns, the operating system has the record, so killing the process loses no records. Every
    method is thread-safe. Failures of the monitor itself (a full disk, a failing sink) are never raised into the
    training. Used as a context manager, the monitor ends the run as completed, failed or preempted.

    The base classes have no state: `LogMethods` creates records from calls, and `RunResults` computes statistics. Both
    use the methods at the end of this class, which delegate to the recorder, the image writer, the name hints, and the
    live run with its live diagnosis.

    Args:
        log_dir: Folder of runs. The run gets its own folder in it.
        use_tensorboard: Whether to write the records to TensorBoard too.
        use_wandb: Whether to send the records to Weights & Biases too.
        project_name: Project name of the run, or an empty string for no project.
        session_name: Run name. If a run of this name exists, a number is appended. The default is made of the algorithm
            and the environment, if they are in `configuration`, and the time (UTC): `PPO-CartPole-v1-20261129-0441`.
        buffer_size: Number of records of each stream in the live window, from which live statistics are computed.
        configuration: Training configuration (hyperparameters, environment), stored with the run.
        resume: Whether to resume the run named `session_name`: `never`, `allow` (if it exists) or `must`.
        sinks: Further destinations of the records: sinks, callables that return a sink, or names of installed sinks.
        terminal: Whether to show the vital signs in one live line on standard error.
        update_frequency: Seconds between two updates of that line. Default: 0.5 in a terminal, otherwise 30.
        total_timesteps: Planned number of environment steps, or `None` if unknown.
        target: Reward at which the task counts as solved, or `None`.
        log_level: Level of the logger `rlvitals`, as a number or name of `logging`. `None` leaves it unchanged.
        tags: Tags for finding the run, such as `["ablation"]`.
        report: Whether to write a report to the default path when the run ends, or the path of the report (`.html`,
            `.md`, `.pdf` or `.png`). Writing takes about a second. Errors are logged, not raised.
        settings: Settings of the recorder, or `None` for the defaults.
        mask_secrets: Whether to replace keys, passwords and webhooks in the configuration, the command line, events and
            exceptions with `***`; or additional regular expressions for names and texts to mask.
        announce: Whether to print the run folder, and the commands to watch the run, in one line on standard error. The
            environment variable `RLVITALS_QUIET=1` also turns this line off.
        clock: Source of the time. Tests can pass a `ManualClock`.

    Raises:
        RunError: The run cannot be created or resumed. Later disk failures are not raised.
        RecordError: An argument is invalid, or the configuration cannot be serialised. No run is created.
        ValueError: `log_level` is not a level of `logging`, or a `mask_secrets` entry is not a regular expression.

    Example:
        >>> with TrainingMonitor("logs", configuration={"algorithm": "PPO", "lr": 3e-4}) as monitor:
        ...     monitor.log_episode(1, reward=21.0, length=21, env_step=21)
        ...     monitor.log_training_step(2_048, policy_loss=-0.01, value_loss=0.4, entropy=1.3)
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
        # Validate everything before the folder is created.
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
            Path(log_dir).absolute(),  # the training can change its working directory later
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
        # The training can change its working directory before the report is written.
        self._report = Path(report).absolute() if isinstance(report, str | Path) else report
        self._live_diagnosis = start_live_diagnosis(self._recorder, target=self.target)
        self._live = LiveRun(self._recorder, self._live_diagnosis)
        self._requests = RequestDesk(self._recorder, self)
        if self._recorder.settings.take_requests:
            self._recorder.after_tick = self._requests.poll
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
        """Path of the run folder."""
        return self._recorder.path

    @property
    def run(self) -> Run:
        """Reader of the run. It works while the run is written and afterwards."""
        return Run(self.path)

    @property
    def status(self) -> str:
        """Run status: `running`, `completed`, `failed`, `preempted` or `paused`."""
        return self._recorder.session.header.status

    @property
    def resumed(self) -> bool:
        """Whether the run was resumed."""
        return self._recorder.session.resumed

    @property
    def is_child(self) -> bool:
        """Whether this process is a fork of the recording process. Here the run can only be read."""
        return self._recorder.is_child

    @property
    def session(self) -> TrainingSession:
        """Current state of the run."""
        return self._live.session()

    @property
    def env_step(self) -> int | None:
        """Highest environment step until now, or `None` before the first."""
        return self._recorder.window.env_step

    @property
    def stop_requested(self) -> bool:
        """Whether a request asks the training to stop (`rlvitals mcp --allow-actions`). A loop of your own checks it.

        Example:
            >>> if monitor.stop_requested:
            ...     monitor.log_note("stopping early")
        """
        return self._requests.is_stopping()

    @property
    def last_episode(self) -> int | None:
        """Number of the last episode, or `None` before the first."""
        return self._recorder.window.last_episode

    def dropped_records(self) -> DroppedRecords:
        """Return the numbers of records that were lost, that wait for the disk, and that sinks dropped."""
        return self._recorder.dropped_records()

    def failures(self) -> dict[str, str]:
        """Return the current failures: streams that cannot be written and sinks that fail, each with its reason."""
        return self._recorder.failures()

    def advance(self, env_step: int) -> None:
        """Report progress between two records. Nothing is written, and the call is very fast.

        Args:
            env_step: Environment steps of the whole training until now.

        Raises:
            RecordError: The value is not a whole number from 0 to 2**63 - 1.
        """
        if type(env_step) is not int or not 0 <= env_step < _TOO_LARGE:
            env_step = options.step_of(env_step)
        self._recorder.window.advance(env_step)

    def rewind(self, *, env_step: int | None = None, episode: int | None = None, step: int | None = None) -> None:
        """Continue from an earlier checkpoint.

        Later records become an abandoned branch. They stay in the run folder, and readers omit them by default.

        Args:
            env_step: Environment step of the checkpoint.
            episode: Episode number of the checkpoint, for records without an environment step.
            step: Value of the training's own step counter, for records without an environment step.

        Raises:
            RecordError: A value is not a whole number of at least 0. Nothing is changed.
            ClosedError: The monitor is closed.

        Example:
            >>> monitor.rewind(env_step=100_000)
        """
        rewind = options.rewind_of(env_step=env_step, episode=episode, step=step)
        self._recorder.rewind(rewind)
        self.log_event("rewind", f"rewound to {rewind.place}", data=self._counted())

    def update_configuration(self, configuration: Mapping[str, Any]) -> None:
        """Add settings to the configuration. Existing settings of the same name are replaced.

        Args:
            configuration: Settings by name.

        Raises:
            RecordError: A setting cannot be serialised.
            ClosedError: The monitor is closed.
        """
        self._recorder.check_open()
        session = self._recorder.session
        session.header.configuration |= session.masking.settings(options.plain_configuration(configuration))
        self._recorder.save()

    def set_goals(self, *, total_timesteps: int | None = None, target: float | None = None) -> None:
        """Set goals that were unknown when the monitor was created. `None` leaves a goal unchanged.

        Args:
            total_timesteps: Planned number of environment steps.
            target: Reward at which the task counts as solved.

        Raises:
            RecordError: A value is invalid. Nothing is changed.
            ClosedError: The monitor is closed.
        """
        goals = options.goals_of(total_timesteps, target)
        self._recorder.check_open()
        self._set_goals(goals)
        if self._live_diagnosis is not None:
            self._live_diagnosis.set_target(self.target)
        self._recorder.session.header.goals |= goals
        self._recorder.save()

    def before_close(self, finish: Callable[[], None]) -> None:
        """Call a function when the run ends, while records can still be logged, even if a signal ends it.

        Args:
            finish: Function to call. Its errors are logged.
        """
        self._recorder.before_close(finish)

    def pause(self) -> None:
        """Mark the run as paused.

        Raises:
            ClosedError: The monitor is closed.
        """
        self._recorder.set_status(headers.PAUSED)

    def unpause(self) -> None:
        """Mark the run as running again.

        Raises:
            ClosedError: The monitor is closed.
        """
        self._recorder.set_status(headers.RUNNING)

    def save_session(self) -> None:
        """Sync all records to the disk, and write the header. Does nothing after `close`."""
        self._recorder.save()
        self._recorder.flush()

    def close(self) -> None:
        """End the run as completed. Reading still works, but logging raises `ClosedError`. Can be called again."""
        self._end(headers.COMPLETED, None)

    def fail(self, error: BaseException) -> None:
        """End the run as failed.

        Args:
            error: Exception that ended the training. Its type, message and traceback are stored.
        """
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

    # -- implementation of the abstract members of LogMethods

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
            with contextlib.suppress(ClosedError):  # storing the record itself then raises
                self.log_event("metric", hint, severity="warning", code="metric-name", data={"name": name})

    # -- implementation of the abstract members of RunResults

    @property
    def window_size(self) -> int:
        """Number of records of each stream in the live window."""
        return self._live.window_size

    def recent_episodes(self, count: int) -> list[Episode]:
        """Return the last episodes, oldest first.

        Args:
            count: Maximum number of episodes.
        """
        return self._live.recent_episodes(count)

    def recent_updates(self, count: int) -> list[PolicyUpdate]:
        """Return the last updates, oldest first.

        Args:
            count: Maximum number of updates.
        """
        return self._live.recent_updates(count)

    def run_status(self) -> RunStatus:
        """Return the run status as known to the writer."""
        return self._live.run_status()

    def courses(self, episodes: Sequence[Episode], status: RunStatus) -> Courses:
        """Return the curves of reward and quality over the whole run.

        Args:
            episodes: Last episodes of the run, oldest first.
            status: Run status.
        """
        return self._live.courses(episodes, status)

    def diagnosis(self) -> Diagnosis:
        """Return a diagnosis of the current state of the run."""
        return self._live.diagnosis()
