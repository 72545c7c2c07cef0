"""The reading half of the public interface: the same functions for a live training and for a finished one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.compat.convergence_analysis import Courses, convergence_analysis
from rlvitals.compat.run_snapshot import RunSnapshot, RunStatus, read_courses
from rlvitals.diagnosis import Diagnosis, diagnose, evidence_of
from rlvitals.records import Episode, PolicyUpdate
from rlvitals.runs import Run, Runs
from rlvitals.runs import open_runs as _open_runs
from rlvitals.runs.totals import totals
from rlvitals.summary.status import state_of
from rlvitals.summary.throughput import recorded_time_of

if TYPE_CHECKING:
    from rlvitals.render.notebook import Figure
    from rlvitals.summary.overview import Overview
    from rlvitals.summary.run_summary import RunSummary

WINDOW_SIZE = 1_000
"""Episodes that an answer is about, where no live window says how many: as many as that holds by default."""


class RunResults(ABC):
    """What a training comes to, in the keys of `docs/reference/api.md`.

    All of it is plain Python, and goes through a strict JSON encoder but for numbers that are not finite, which stay
    the floats that they are: `json.dumps(..., allow_nan=True)` writes them as `NaN`, `Infinity` and `-Infinity`, and
    `rlvitals`' own files and commands as texts of those names. What was never measured is NaN in statistics (a mean of
    nothing) and `None` elsewhere. Nothing here locks anything: every call may come from any thread, while another logs,
    and after the end.
    """

    _clock: Clock

    @property
    @abstractmethod
    def run(self) -> Run:
        """The run's folder, opened for reading."""

    @property
    @abstractmethod
    def window_size(self) -> int:
        """Episodes that an answer is about, unless the question says how many."""

    @abstractmethod
    def recent_episodes(self, count: int) -> list[Episode]:
        """The last episodes, oldest first."""

    @abstractmethod
    def recent_updates(self, count: int) -> list[PolicyUpdate]:
        """The last updates, oldest first."""

    @abstractmethod
    def run_status(self) -> RunStatus:
        """Where the training stands."""

    @abstractmethod
    def diagnosis(self) -> Diagnosis:
        """What is wrong with the training, if anything, and how healthy it is."""

    def now(self) -> float:
        """The time (UTC, seconds since 1970)."""
        return self._clock.time()

    def get_training_statistics(self, window_size: int | None = None) -> dict[str, Any]:
        """Statistics of the last episodes and updates.

        Args:
            window_size: How many; by default the live window's (`buffer_size`, 1000). More than that are read from the
                run's folder.

        Returns:
            The keys of `docs/reference/api.md`; before the first episode a `message`.

        Raises:
            ValueError: `window_size` is not a positive whole number.
        """
        count: Any = self.window_size if window_size is None else window_size
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"window_size={count!r}: a window holds at least one episode; None is the live window")
        return self._snapshot(count).statistics()

    def get_convergence_analysis(self) -> dict[str, Any]:
        """Trends, stability and convergence of the last episodes.

        Returns:
            The keys of `docs/reference/api.md`; with fewer than 10 episodes a `message`.
        """
        episodes = self.recent_episodes(self.window_size)
        return convergence_analysis(episodes, self.courses(episodes, self.run_status()))

    def create_dashboard_data(self) -> dict[str, Any]:
        """What a dashboard shows of the last episodes: summary, curves, convergence, health.

        Returns:
            The keys of `docs/reference/api.md`.
        """
        snapshot = self._snapshot(self.window_size)
        courses = self.courses(snapshot.episodes, snapshot.status)
        return snapshot.dashboard_data(courses, self.diagnosis(), self.now())

    def validate_metrics(self) -> dict[str, Any]:
        """Whether the training is well.

        Returns:
            The keys of `docs/reference/api.md`. All of it reports the findings of `diagnosis`: each of the `checks` has
            a `status` (healthy, warning, critical), a `message`, the codes of its findings and the numbers;
            `points_lost` lists the findings that lowered the score.
        """
        snapshot = self._snapshot(self.window_size)
        courses = self.courses(snapshot.episodes, snapshot.status)
        return snapshot.validation(courses, self.diagnosis(), self.now())

    @abstractmethod
    def courses(self, episodes: Sequence[Episode], status: RunStatus) -> Courses:
        """What the reward and the quality of the whole run did.

        Args:
            episodes: The last episodes, which are all of a short run.
            status: The run's status, as of then.
        """

    def _snapshot(self, count: int) -> RunSnapshot:
        return RunSnapshot(self.recent_episodes(count), self.recent_updates(count), self.run_status())

    def export_metrics(
        self,
        format: str = "json",  # noqa: A002 - the interface's own word
        output_path: str | Path | None = None,
        include_raw_data: bool = True,
    ) -> str:
        """Write the run to a file or a folder, with statistics, convergence and validation as its summary.

        Args:
            format: `json`, `jsonl`, `csv`, `pandas`, `parquet`, `arrow`, `duckdb`, `sqlite`, `tensorboard`, `wandb`, or
                one that a plug-in brings.
            output_path: Where to; by default into the run's `artifacts/exports`. What is there is replaced.
            include_raw_data: Whether every record is written, and not the summary alone.

        Returns:
            The path written.

        Raises:
            ExportError: There is no such format, or the path cannot be written.
            MissingExtraError: The format needs a package that is not installed.
        """
        from rlvitals.formats.exporters.run_export import export_path, export_run  # noqa: PLC0415 - loads duckdb

        path = export_path(self.run, format) if output_path is None else Path(output_path)
        summary = {
            "statistics": self.get_training_statistics(),
            "convergence": self.get_convergence_analysis(),
            "validation": self.validate_metrics(),
        }
        return str(
            export_run(self.run, path, format=format, raw=include_raw_data, summary=summary, overwrite=True).absolute()
        )

    def write_report(self, path: str | Path | None = None) -> str:
        """Write a report: verdict, findings, curves, tables, pictures, and how to do it again, in one file.

        Args:
            path: Where to; the ending says the form: `.html`, `.md`, `.pdf` or `.png`. By default the run's
                `artifacts/report.html`. What is there is replaced.

        Returns:
            The path written.

        Raises:
            ExportError: It cannot be written there, or there is no such form.
            MissingExtraError: A PNG needs resvg, which is not installed.
            RunNotFoundError: The run's folder is gone.
            RunFormatError: A sealed segment is damaged.
        """
        from rlvitals.render.report_writer import write_report  # noqa: PLC0415 - loads duckdb

        return str(write_report(self.run, path, clock=self._clock).absolute())

    def overview(self) -> "Overview":
        """The overview: status, progress, speed, recent levels, course of the reward, verdict and health.

        Raises:
            RunNotFoundError: The run's folder is gone.
            RunFormatError: A sealed segment is damaged.
        """
        from rlvitals.summary.overview import overview_of  # noqa: PLC0415 - loads duckdb

        return overview_of(self.run, clock=self._clock)

    def summary(self, window: int | None = None, *, exploration: bool = False) -> "RunSummary":
        """The full summary of the run, or of its last episodes; it contains the overview.

        Args:
            window: Only the last so many episodes and updates; by default all.
            exploration: Whether the parameters that were tried are looked into, which takes seconds.

        Raises:
            RunNotFoundError: The run's folder is gone.
            RunFormatError: A sealed segment is damaged.
            ValueError: The window is not positive.
        """
        from rlvitals.summary.run_summary import summarise  # noqa: PLC0415 - loads duckdb

        return summarise(self.run, window=window, exploration=exploration, clock=self._clock)


class RunReader(Run, RunResults):
    """A run, opened for reading: its streams as columns, SQL, and what it comes to.

    Args:
        path: The run's folder.
        clock: Tells the time.

    Raises:
        RunNotFoundError: There is no run at that path.
        RunFormatError: The folder is not a run, is damaged, or is of a newer format.
    """

    def __init__(self, path: str | Path, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(path)
        self._clock = clock

    @property
    def run(self) -> Run:
        """The run itself."""
        return self

    @property
    def window_size(self) -> int:
        """As many episodes as a live window holds by default."""
        return WINDOW_SIZE

    @property
    def session_id(self) -> str:
        """The run's name."""
        return self.run_id

    def recent_episodes(self, count: int) -> list[Episode]:
        """The last episodes, oldest first."""
        return self.episodes.last(count)

    def recent_updates(self, count: int) -> list[PolicyUpdate]:
        """The last updates, oldest first."""
        return self.updates.last(count)

    def figure(self, name: str = "reward") -> "Figure":
        """A curve of the run, to be shown by a notebook, or saved.

        Args:
            name: What is drawn: `reward`, `length`, `success`, `quality_final`, a metric of the updates, `memory`, ...

        Raises:
            ColumnError: The run has nothing to draw of that name.
            RunFormatError: A sealed segment is damaged.
        """
        from rlvitals.render.notebook import figure_of  # noqa: PLC0415 - loads duckdb

        return figure_of(self, name, clock=self._clock)

    def _repr_html_(self) -> str:
        from rlvitals.render.notebook import card  # noqa: PLC0415 - loads duckdb

        return card(self, clock=self._clock)

    def run_status(self) -> RunStatus:
        """Where the run stands, as seen from outside."""
        header, recorded = self.header, recorded_time_of(self)
        state = state_of(self, header, clock=self._clock)
        return RunStatus(
            session_id=header.run_id,
            path=self.path,
            status=state.status,
            total_episodes=totals(self).episodes,
            training_seconds=max(state.duration, recorded.seconds),
            episodes_per_minute=recorded.episodes_per_minute,
            last_updated=state.updated,
            lost=state.dropped_records,
            sinks=(),
        )

    def courses(self, episodes: Sequence[Episode], status: RunStatus) -> Courses:
        """What the reward and the quality of the whole run did."""
        return read_courses(self.path, episodes, status.total_episodes)

    def diagnosis(self) -> Diagnosis:
        """What is wrong with the run, if anything, and how healthy it is."""
        return diagnose(evidence_of(self, clock=self._clock))


def open_run(path: str | Path) -> RunReader:
    """Open a run for reading, live or finished.

    Args:
        path: The run's folder.

    Raises:
        RunNotFoundError: There is no run at that path.
        RunFormatError: The folder is not a run, is damaged, or is of a newer format.
    """
    return RunReader(path)


def open_runs(*where: str | Path) -> Runs[RunReader]:
    """Open several runs for reading. Those that cannot be opened are passed over, and told in `refused`.

    Args:
        *where: Folders of runs, searched for all that are below; or runs' own folders.

    Raises:
        RunNotFoundError: There is no such folder.
    """
    found = _open_runs(*where)
    return Runs((RunReader(run.path) for run in found), found.refused)
