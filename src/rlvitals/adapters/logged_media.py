"""Media among the values that a program logs with W&B's functions: images, videos, histograms and tables."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rlvitals.adapters.media import array_of, distribution_of, distribution_of_bins, gif_of
from rlvitals.monitor import TrainingMonitor

_VIDEO_SPEED = 4.0


class Media(ABC):
    """A value that is not a number. Subclasses take the arguments of W&B's class of the same name."""

    @abstractmethod
    def record(self, monitor: TrainingMonitor, name: str, step: int | None) -> dict[str, float]:
        """Record the value, and return numbers that describe it, by suffix of the name.

        Raises:
            RlvitalsError: The value cannot be recorded.
        """


class LoggedImage(Media):
    """An image: a path, an array `(height, width)` or `(height, width, channels)`, a PIL image or a figure.

    Args:
        data_or_path: The image.
        mode: Not used.
        caption: Caption.
        **_: Further arguments of `wandb.Image`, which are not used.
    """

    def __init__(self, data_or_path: Any, mode: str | None = None, caption: str | None = None, **_: Any) -> None:
        del mode
        self.data = data_or_path
        self.caption = caption

    def record(self, monitor: TrainingMonitor, name: str, step: int | None) -> dict[str, float]:
        """Record the image under its name."""
        is_file = isinstance(self.data, str | Path | bytes)
        monitor.log_image(name, self.data if is_file else array_of(self.data), caption=self.caption, env_step=step)
        return {}


class LoggedVideo(Media):
    """A video: the path of a GIF, or an array `(frames, channels, height, width)`.

    Args:
        data_or_path: The video.
        caption: Caption.
        fps: Frames per second.
        format: Not used: an array becomes a GIF.
        **_: Further arguments of `wandb.Video`, which are not used.
    """

    def __init__(
        self,
        data_or_path: Any,
        caption: str | None = None,
        fps: float | None = None,
        format: str | None = None,  # noqa: A002 - the name in W&B
        **_: Any,
    ) -> None:
        del format
        self.data = data_or_path
        self.caption = caption
        self.speed = fps or _VIDEO_SPEED

    def record(self, monitor: TrainingMonitor, name: str, step: int | None) -> dict[str, float]:
        """Record the video as an animated image."""
        is_file = isinstance(self.data, str | Path | bytes)
        image = self.data if is_file else gif_of(self.data, frames_per_second=self.speed)
        monitor.log_image(name, image, caption=self.caption, env_step=step)
        return {}


class LoggedHistogram(Media):
    """A distribution of values.

    Args:
        sequence: Values, of any shape.
        np_histogram: Counts and bin edges, as from `numpy.histogram`.
        num_bins: Not used.
    """

    def __init__(
        self,
        sequence: Any = None,
        np_histogram: tuple[Sequence[float], Sequence[float]] | None = None,
        num_bins: int = 64,
    ) -> None:
        del num_bins
        self.distribution = distribution_of(sequence) if np_histogram is None else distribution_of_bins(*np_histogram)

    def record(self, monitor: TrainingMonitor, name: str, step: int | None) -> dict[str, float]:
        """Return the mean, the standard deviation, the extremes and quantiles."""
        del monitor, name, step
        return self.distribution


class LoggedTable(Media):
    """A table, recorded as an event.

    Args:
        columns: Column names. Default: the columns of a data frame.
        data: Rows.
        dataframe: pandas data frame, as an alternative to `data`.
        **_: Further arguments of `wandb.Table`, which are not used.
    """

    def __init__(self, columns: Sequence[Any] | None = None, data: Any = None, dataframe: Any = None, **_: Any) -> None:
        if dataframe is not None:
            columns, data = list(dataframe.columns), dataframe.to_numpy()
        self.columns = [str(column) for column in columns or ()]
        self.data = [list(row) for row in (data if data is not None else ())]

    def add_data(self, *row: Any) -> None:
        """Add a row."""
        self.data.append(list(row))

    def record(self, monitor: TrainingMonitor, name: str, step: int | None) -> dict[str, float]:
        """Record the table as an event with its columns and rows."""
        rows = [[cell.tolist() if isinstance(cell, np.ndarray) else cell for cell in row] for row in self.data]
        data = {"name": name, "columns": self.columns, "rows": rows}
        monitor.log_event("table", f"table {name}: {len(rows)} rows", env_step=step, data=data)
        return {}
