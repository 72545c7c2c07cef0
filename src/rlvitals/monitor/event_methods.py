"""Methods that record custom metrics, events, notes and images."""

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
    """Methods that record custom metrics and events. The class has no state and uses only its abstract members.

    Every method is thread-safe and returns the stored record.
    """

    @property
    @abstractmethod
    def env_step(self) -> int | None:
        """Highest environment step until now, or `None` before the first."""

    @abstractmethod
    def _record(self, kind: type[R], values: dict[str, Any]) -> R:
        """Validate a record and store it.

        Args:
            kind: Record class.
            values: Fields by name. `None` marks a missing field; a `time` of `None` means now.

        Raises:
            RecordError: A value does not fit its field. Nothing is recorded.
            ClosedError: The monitor is closed.
        """

    @abstractmethod
    def _mask(self, text: str) -> str:
        """Replace secrets in a text with `***`."""

    @abstractmethod
    def _write_image(self, name: str, image: EncodedImage) -> str | None:
        """Write an image to the run folder.

        Returns:
            Path of the file, relative to the artifacts folder, or `None` in the child of a fork, which cannot write.

        Raises:
            ClosedError: The monitor is closed.
            OSError: The file cannot be written.
        """

    def log_record(self, kind: type[R], values: Mapping[str, Any]) -> R:
        """Record one record of any kind. Adapters use it for values whose fields are known only at run time.

        Args:
            kind: Record class, such as `records.PolicyUpdate`.
            values: Fields by name. A missing `time` means now.

        Returns:
            The stored record.

        Raises:
            RecordError: A value does not fit its field. Nothing is recorded.
            ClosedError: The monitor is closed.
        """
        return self._record(kind, {"time": None, **values})

    def log_metrics(
        self,
        category: str,
        metrics: Mapping[str, Any],
        *,
        step: int | None = None,
        env_step: int | None = None,
        time: float | None = None,
    ) -> Scalars:
        """Record custom metrics.

        Args:
            category: Category of the metrics: any short text.
            metrics: Numbers, booleans and short texts by metric name.
            step: Step of the metrics, on any counter of the training. Default: the highest environment step until now.
            env_step: Environment step, if `step` is another counter.
            time: Time of the metrics (UTC, seconds since 1970). Default: now.

        Returns:
            The stored record.

        Raises:
            RecordError: A value does not fit its field. Nothing is recorded.
            ClosedError: The monitor is closed.

        Example:
            >>> monitor.log_metrics("exploration", {"epsilon": 0.12, "unique_states": 8_410}, env_step=50_000)
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
        """Record an event.

        Args:
            kind: Kind of event: `note`, `milestone`, `state`, or any other word.
            message: Description of the event, in one sentence. Secrets are masked.
            severity: `info`, `warning` or `critical`.
            code: Stable identifier of the event for programs.
            env_step: Environment step. Default: the highest environment step until now.
            episode: Episode number.
            data: Further values by name. Values can be nested.
            time: Time of the event (UTC, seconds since 1970). Default: now.

        Returns:
            The stored record.

        Raises:
            RecordError: A value does not fit its field. Nothing is recorded.
            ClosedError: The monitor is closed.

        Example:
            >>> monitor.log_event("curriculum", "Level 2 starts.", data={"level": 2})
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
        """Record a note.

        Args:
            text: Text of the note. Secrets are masked.

        Returns:
            The stored record, an event of the kind `note`.

        Raises:
            RecordError: The note is not a string. Nothing is recorded.
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

        The image is copied to the run folder (`artifacts/images/`), and an event of the kind `image` refers to the
        file. If the file cannot be written (for example because the disk is full), the event has the reason and no
        error is raised.

        Args:
            name: Name of the image, such as `original`. Images with the same name and group form a series.
            image: A PNG, JPEG, GIF, WebP or SVG image as bytes, SVG text or file path; or an array of shape
                `(height, width)` or `(height, width, channels)`, with integers from 0 to 255 or floats from 0 to 1.
            group: Group of the image, such as the object that several images show.
            caption: Caption shown below the image.
            metrics: Numbers that describe the image, such as quality and size, by name.
            step: Alias of `env_step`.
            episode: Episode number.
            env_step: Environment step. Default: the highest environment step until now.
            time: Time of the image (UTC, seconds since 1970). Default: now.

        Returns:
            The stored event.

        Raises:
            RecordError: The value is not an image, or is larger than 16 MiB. Nothing is recorded.
            ClosedError: The monitor is closed.

        Example:
            >>> frame = np.zeros((84, 84, 3), dtype=np.uint8)
            >>> monitor.log_image("observation", frame, episode=12)
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
            _log.warning("cannot store the image %r: %s", name, data["trouble"])
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
