"""The calls that record what no other call has a field for: your own metrics, events, notes, images."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

from rlvitals.monitor.images import EncodedImage, Image, encode_image
from rlvitals.records import Event, Record, Scalars
from rlvitals.records.coercion import coerce
from rlvitals.records.schema import Column, Field
from rlvitals.runs.artifacts import IMAGE

_log = logging.getLogger("rlvitals")
R = TypeVar("R", bound=Record)

_NAME = Field("name", Column.TEXT, required=True)
_TEXT = Field("group or caption", Column.TEXT, required=False)
_METRICS = Field("metrics", Column.TREE, required=False)


class EventMethods(ABC):
    """The calls that record your own metrics and events. Holds no state: the abstract members are all that they need.

    Every call may come from any thread and returns the record as it was kept.
    """

    @property
    @abstractmethod
    def env_step(self) -> int | None:
        """The furthest environment step so far; `None` before the first."""

    @abstractmethod
    def _record(self, kind: type[R], values: dict[str, Any]) -> R:
        """Check a record and keep it.

        Args:
            kind: Class of the record.
            values: Its fields. Fields that are `None` are absent; a `time` of `None` means now.

        Raises:
            RecordError: A value that the record cannot hold; nothing is recorded.
            ClosedError: The monitor is closed.
        """

    @abstractmethod
    def _mask(self, text: str) -> str:
        """Replace secrets in a text."""

    @abstractmethod
    def _write_image(self, name: str, image: EncodedImage) -> str | None:
        """Write an image into the run's folder.

        Returns:
            Path of the file below the run's artifacts; `None` in the child of a fork, which writes nothing.

        Raises:
            ClosedError: The monitor is closed.
            OSError: The file cannot be written.
        """

    def log_metrics(
        self,
        category: str,
        metrics: Mapping[str, Any],
        *,
        step: int | None = None,
        env_step: int | None = None,
        time: float | None = None,
    ) -> Scalars:
        """Record your own metrics.

        Args:
            category: Category of the metrics: any short text.
            metrics: Numbers, flags and short texts by name.
            step: Step of the metrics; by default the furthest environment step so far.
            env_step: Environment step, where `step` is another clock.
            time: Time of the metrics (UTC, seconds since 1970); now by default.

        Returns:
            The record as it was kept.

        Raises:
            RecordError: A value that the record cannot hold; nothing is recorded.
            ClosedError: The monitor is closed.
        """
        return self._record(
            Scalars,
            {
                "time": time,
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
            kind: Kind of event: `note`, `milestone`, `state`, or your own.
            message: What happened, in one sentence.
            severity: `info`, `warning` or `critical`.
            code: A stable name for programs.
            env_step: Environment step; by default the furthest so far.
            episode: Episode number.
            data: Anything else; may be nested.
            time: Time of the event (UTC, seconds since 1970); now by default.

        Returns:
            The record as it was kept.

        Raises:
            RecordError: A value that the record cannot hold; nothing is recorded.
            ClosedError: The monitor is closed.
        """
        return self._record(
            Event,
            {
                "time": time,
                "kind": kind,
                "message": self._mask(message) if isinstance(message, str) else message,  # type: ignore[redundant-expr]
                "severity": severity,
                "code": code,
                "env_step": self.env_step if env_step is None else env_step,
                "episode": episode,
                "data": data,
            },
        )

    def log_note(self, text: str) -> Event:
        """Record a note in your own words.

        Returns:
            The record as it was kept.

        Raises:
            ClosedError: The monitor is closed.
        """
        return self.log_event("note", text)

    def log_image(
        self,
        name: str,
        image: Image,
        *,
        group: str | None = None,
        caption: str | None = None,
        metrics: Mapping[str, float] | None = None,
        step: int | None = None,
        episode: int | None = None,
        env_step: int | None = None,
        time: float | None = None,
    ) -> Event:
        """Record an image.

        The image is copied into the run's folder (`artifacts/images/`), and an event of the kind `image` names the
        file. If the file cannot be written (the disk is full), the event says so and nothing is raised.

        Args:
            name: What the image shows, such as `original`: images of one name and group are one series.
            image: PNG, JPEG, GIF, WebP or SVG: the bytes, SVG's text, or a file's path; or an array of shape
                `(height, width)` or `(height, width, channels)`, of bytes or of floats in 0 to 1.
            group: What the image belongs to, such as the object that several images show.
            caption: A sentence below it.
            metrics: Numbers about it, such as quality and bytes.
            step: The same as `env_step`.
            episode: Episode number.
            env_step: Environment step; by default the furthest so far.
            time: Time of the image (UTC, seconds since 1970); now by default.

        Returns:
            The event as it was kept.

        Raises:
            RecordError: Not an image, or larger than 16 MiB; nothing is recorded.
            ClosedError: The monitor is closed.
        """
        name = coerce(_NAME, name, "log_image")
        where = f"image {name!r:.80}"
        texts = {"group": group, "caption": caption}
        texts = {key: coerce(_TEXT, text, where) for key, text in texts.items() if text is not None}
        encoded = encode_image(name, image)
        data: dict[str, Any] = {"name": name, "bytes": len(encoded.content)}
        data |= {key: text for key, text in texts.items() if text is not None}
        if metrics is not None:
            data["metrics"] = coerce(_METRICS, metrics, where) or {}
        severity = "info"
        try:
            file = self._write_image(name, encoded)
        except OSError as error:
            severity, data["trouble"] = "warning", error.strerror or str(error)
            _log.warning("the image %r could not be kept: %s", name, data["trouble"])
        else:
            data |= {} if file is None else {"file": file}
        at = step if env_step is None else env_step
        return self._record(
            Event,
            {
                "time": time,
                "kind": IMAGE,
                "message": f"{data['group']}: {name}" if data.get("group") else name,
                "severity": severity,
                "env_step": self.env_step if at is None else at,
                "episode": episode,
                "data": data,
            },
        )
