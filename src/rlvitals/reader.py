"""Reading half of the public interface. The functions are the same for live and for finished runs."""

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
"""Number of episodes in a result if no live window sets it: the default size of the live window."""


class RunResults(ABC):
    """Results of a run, with the keys that `docs/reference/api.md` lists.

    All results are plain Python objects that a strict JSON encoder accepts, except for non-finite numbers, which stay
    floats. `json.dumps(..., allow_nan=True)` writes them as `NaN`, `Infinity` and `-Infinity`. The files and commands
    of rlvitals write them as strings with those names. A value that was never measured is NaN in statistics (the mean
    of no values) and `None` elsewhere. No method takes a lock: any thread can call it while another thread logs, and
    after the run has ended.
    """

    _clock: Clock

    @property
    @abstractmethod
    def run(self) -> Run:
        """The run folder, opened for reading."""

    @property
    @abstractmethod
    def window_size(self) -> int:
        """Number of episodes in a result, unless the call sets it."""

    @abstractmethod
    def recent_episodes(self, count: int) -> list[Episode]:
        """Return the last `count` episodes, oldest first."""

    @abstractmethod
    def recent_updates(self, count: int) -> list[PolicyUpdate]:
        """Return the last `count` updates, oldest first."""

    @abstractmethod
    def run_status(self) -> RunStatus:
        """Return the run status."""

    @abstractmethod
    def diagnosis(self) -> Diagnosis:
        """Return the findings of the diagnosis and the health score."""

    def now(self) -> float:
        """Return the current time (UTC, seconds since 1970)."""
        return self._clock.time()

    def get_training_statistics(self, window_size: int | None = None) -> dict[str, Any]:
        """Compute statistics of the last episodes and updates.

        Args:
            window_size: Number of episodes and of updates; by default the size of the live window (`buffer_size`,
                1000). If it is larger than the live window, the records are read from the run folder.

        Returns:
            A dict with the keys in `docs/reference/api.md`. Before the first episode it has only a `message`.

        Raises:
            ValueError: `window_size` is not a positive whole number.
        """
        count: Any = self.window_size if window_size is None else window_size
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(
                f"window_size={count!r} is not a positive whole number. Use None for the size of the live window."
            )
        return self._snapshot(count).statistics()

    def get_convergence_analysis(self) -> dict[str, Any]:
        """Compute trends, stability and convergence of the last episodes.

        Returns:
            A dict with the keys in `docs/reference/api.md`. With fewer than 10 episodes it has only a `message`.
        """
        episodes = self.recent_episodes(self.window_size)
        return convergence_analysis(episodes, self.courses(episodes, self.run_status()))

    def create_dashboard_data(self) -> dict[str, Any]:
        """Collect dashboard data of the last episodes: summary, curves, convergence and health.

        Returns:
            A dict with the keys in `docs/reference/api.md`.
        """
        snapshot = self._snapshot(self.window_size)
        courses = self.courses(snapshot.episodes, snapshot.status)
        return snapshot.dashboard_data(courses, self.diagnosis(), self.now())

    def validate_metrics(self) -> dict[str, Any]:
        """Check the health of the training. The result reports the findings of `diagnosis`.

        Returns:
            A dict with the keys in `docs/reference/api.md`. Each of the `checks` has a `status` (healthy, warning,
            critical), a `message`, the codes of its findings and the numbers. `points_lost` lists the findings that
            lowered the health score.
        """
        snapshot = self._snapshot(self.window_size)
        courses = self.courses(snapshot.episodes, snapshot.status)
        return snapshot.validation(courses, self.diagnosis(), self.now())

    @abstractmethod
    def courses(self, episodes: Sequence[Episode], status: RunStatus) -> Courses:
        """Return the reward and quality curves of the whole run.

        Args:
            episodes: Last episodes; all episodes of a short run.
            status: Run status when these episodes were read.
        """

    def _snapshot(self, count: int) -> RunSnapshot:
        return RunSnapshot(self.recent_episodes(count), self.recent_updates(count), self.run_status())

    def export_metrics(
        self,
        format: str = "json",  # noqa: A002 - name in the public interface
        output_path: str | Path | None = None,
        include_raw_data: bool = True,
    ) -> str:
        """Export the run to a file or folder, with a summary of statistics, convergence and validation.

        Args:
            format: Export format: `json`, `jsonl`, `csv`, `pandas`, `parquet`, `arrow`, `duckdb`, `sqlite`,
                `tensorboard`, `wandb`, or a format of a plug-in.
            output_path: Path to write; by default a path in the `artifacts/exports` folder of the run. An existing file
                or folder is replaced.
            include_raw_data: Whether to write all records in addition to the summary.

        Returns:
            The path that was written.

        Raises:
            ExportError: The format is unknown, or the path cannot be written.
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
        """Write a report to one file: verdict, findings, curves, tables, images and reproduction details.

        Args:
            path: Path to write. The suffix selects the format: `.html`, `.md`, `.pdf` or `.png`. By default
                `artifacts/report.html` in the run folder. An existing file is replaced.

        Returns:
            The path that was written.

        Raises:
            ExportError: The path cannot be written, or the format is unknown.
            MissingExtraError: A PNG needs resvg, which is not installed.
            RunNotFoundError: The run folder was removed.
            RunFormatError: A sealed segment is damaged.
        """
        from rlvitals.render.report_writer import write_report  # noqa: PLC0415 - loads duckdb

        return str(write_report(self.run, path, clock=self._clock).absolute())

    def overview(self) -> "Overview":
        """Compute the overview: status, progress, throughput, recent levels, reward curve, verdict and health.

        Raises:
            RunNotFoundError: The run folder was removed.
            RunFormatError: A sealed segment is damaged.
        """
        from rlvitals.summary.overview import overview_of  # noqa: PLC0415 - loads duckdb

        return overview_of(self.run, clock=self._clock)

    def summary(self, window: int | None = None, *, exploration: bool = False) -> "RunSummary":
        """Compute the full summary of the run or of its last episodes. It contains the overview.

        Args:
            window: Number of last episodes and updates to summarise; by default all.
            exploration: Whether to analyse the parameters that were tried. This takes seconds.

        Raises:
            RunNotFoundError: The run folder was removed.
            RunFormatError: A sealed segment is damaged.
            ValueError: The window is not positive.
        """
        from rlvitals.summary.run_summary import summarise  # noqa: PLC0415 - loads duckdb

        return summarise(self.run, window=window, exploration=exploration, clock=self._clock)


class RunReader(Run, RunResults):
    """A run, opened for reading, with its streams as columns, SQL queries and results.

    Args:
        path: Run folder.
        clock: Clock for the current time.

    Raises:
        RunNotFoundError: There is no run at the path.
        RunFormatError: The folder is not a run folder, is damaged, or uses a newer format.
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
        """The default size of the live window, in episodes."""
        return WINDOW_SIZE

    @property
    def session_id(self) -> str:
        """The run name."""
        return self.run_id

    def recent_episodes(self, count: int) -> list[Episode]:
        """Return the last `count` episodes, oldest first."""
        return self.episodes.last(count)

    def recent_updates(self, count: int) -> list[PolicyUpdate]:
        """Return the last `count` updates, oldest first."""
        return self.updates.last(count)

    def figure(self, name: str = "reward") -> "Figure":
        """Draw a curve of the run, for display in a notebook or for saving.

        Args:
            name: Metric to draw: `reward`, `length`, `success`, `quality_final`, a metric of the updates, `memory`, ...

        Raises:
            ColumnError: The run has no values of that metric.
            RunFormatError: A sealed segment is damaged.
        """
        from rlvitals.render.notebook import figure_of  # noqa: PLC0415 - loads duckdb

        return figure_of(self, name, clock=self._clock)

    def _repr_html_(self) -> str:
        from rlvitals.render.notebook import card  # noqa: PLC0415 - loads duckdb

        return card(self, clock=self._clock)

    def run_status(self) -> RunStatus:
        """Return the run status, as seen by another process."""
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
        """Return the reward and quality curves of the whole run."""
        return read_courses(self.path, episodes, status.total_episodes)

    def diagnosis(self) -> Diagnosis:
        """Return the findings of the diagnosis and the health score."""
        return diagnose(evidence_of(self, clock=self._clock))


def open_run(path: str | Path) -> RunReader:
    """Open a live or finished run for reading.

    Args:
        path: Run folder.

    Raises:
        RunNotFoundError: There is no run at the path.
        RunFormatError: The folder is not a run folder, is damaged, or uses a newer format.
    """
    return RunReader(path)


def open_runs(*where: str | Path) -> Runs[RunReader]:
    """Open several runs for reading. Runs that cannot be opened are skipped and listed in `refused`.

    Args:
        *where: Run folders, or folders that are searched for runs.

    Raises:
        RunNotFoundError: A folder does not exist.
    """
    found = _open_runs(*where)
    return Runs((RunReader(run.path) for run in found), found.refused)
