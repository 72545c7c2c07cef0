"""Calls of a TensorBoard `SummaryWriter`, recorded in a run."""

import io
from collections.abc import Mapping
from typing import Any

from rlvitals.adapters.episodes import FailureLog
from rlvitals.adapters.media import distribution_of, gif_of, with_channels_last
from rlvitals.adapters.tag_log import TagLog
from rlvitals.monitor import TrainingMonitor
from rlvitals.records.settings_table import SETTINGS_TAGS, settings_in
from rlvitals.records.training_parts import with_prefix

SOURCE = "tensorboard"


class SummaryCalls:
    """Records the calls of one writer, with the parameters of `torch.utils.tensorboard.SummaryWriter`.

    Every method records and returns nothing, is thread-safe, and never raises.

    Args:
        monitor: Monitor that records the calls.
        tags: Log of the tagged values of this monitor.
        prefix: Prefix of the tags, if the writer is not the first one of its run.
    """

    def __init__(self, monitor: TrainingMonitor, tags: TagLog, *, prefix: str = "") -> None:
        self._monitor = monitor
        self._tags = tags
        self._prefix = prefix
        self._failures = FailureLog(monitor)

    def add_scalar(
        self, tag: str, scalar_value: Any, global_step: Any = None, walltime: float | None = None, *_: Any, **__: Any
    ) -> None:
        """Record a number."""
        self._tags.add(with_prefix(self._prefix, str(tag)), scalar_value, global_step, time=walltime, source=SOURCE)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: float | None = None,
        *_: Any,
    ) -> None:
        """Record several numbers under `main_tag/name`."""
        for name, value in dict(tag_scalar_dict).items():
            self.add_scalar(f"{main_tag}/{name}", value, global_step, walltime)

    def add_text(
        self, tag: str, text_string: str, global_step: Any = None, walltime: float | None = None, *_: Any
    ) -> None:
        """Record a text as an event. A table of hyperparameters becomes settings."""
        with self._failures.caught("a text could not be recorded"):
            name, text = self._prefix + str(tag), str(text_string)
            if name in SETTINGS_TAGS:
                self._monitor.update_configuration(settings_in(text))
                return
            step = None if global_step is None else int(global_step)
            data = {"tag": name, "text": text}
            self._monitor.log_event("text", text, env_step=step, data=data, time=walltime)

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        *_: Any,
        global_step: Any = None,
        **__: Any,
    ) -> None:
        """Record hyperparameters as settings, and metrics as numbers."""
        with self._failures.caught("hyperparameters could not be recorded"):
            self._monitor.update_configuration(dict(hparam_dict))
        for tag, value in dict(metric_dict).items():
            self.add_scalar(tag, value, global_step)

    def add_image(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "CHW",
    ) -> None:
        """Record an image."""
        with self._failures.caught("an image could not be recorded"):
            self._log_image(tag, with_channels_last(img_tensor, dataformats), global_step, walltime)

    def add_images(
        self,
        tag: str,
        img_tensor: Any,
        global_step: Any = None,
        walltime: float | None = None,
        dataformats: str = "NCHW",
    ) -> None:
        """Record several images as one, next to each other."""
        self.add_image(tag, img_tensor, global_step, walltime, dataformats)

    def add_video(
        self, tag: str, vid_tensor: Any, global_step: Any = None, fps: float = 4, walltime: float | None = None
    ) -> None:
        """Record a video as an animated GIF."""
        with self._failures.caught("a video could not be recorded"):
            self._log_image(tag, gif_of(vid_tensor, frames_per_second=fps), global_step, walltime)

    def add_histogram(
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = None,
        walltime: float | None = None,
        max_bins: int | None = None,
    ) -> None:
        """Record the mean, standard deviation, extremes and quantiles of values as numbers."""
        del bins, max_bins
        with self._failures.caught("a histogram could not be recorded"):
            self._add_distribution(tag, distribution_of(values), global_step, walltime)

    def add_figure(self, tag: str, figure: Any, global_step: Any = None, *_: Any, **__: Any) -> None:
        """Record a matplotlib figure, or each of several, as an image."""
        with self._failures.caught("a figure could not be recorded"):
            for one in figure if isinstance(figure, list) else [figure]:
                file = io.BytesIO()
                one.savefig(file, format="png")
                self._log_image(tag, file.getvalue(), global_step, None)

    def flush(self) -> None:
        """Record the numbers until now."""
        self._tags.flush()

    def _add_distribution(self, tag: str, distribution: Mapping[str, float], step: Any, walltime: float | None) -> None:
        for name, value in distribution.items():
            self.add_scalar(f"histograms/{tag}/{name}", value, step, walltime)

    def _log_image(self, tag: str, image: Any, step: Any, walltime: float | None) -> None:
        at = None if step is None else int(step)
        self._monitor.log_image(self._prefix + str(tag), image, env_step=at, time=walltime)
