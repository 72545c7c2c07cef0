"""Sink that shows the vital signs in one line of the terminal."""

import math
import shutil
import sys
from collections import deque
from typing import TextIO

from rlvitals.clock import SYSTEM_CLOCK, Clock
from rlvitals.errors import ClosedError
from rlvitals.formatting import format_value, number, percent, reported_share
from rlvitals.records import STREAM_OF, Episode, Evaluation, Event, PolicyUpdate, Record
from rlvitals.records.metrics import metric_of
from rlvitals.records.progress import Throughput, share_of, step_of
from rlvitals.sinks.sink import Sink
from rlvitals.text_escaping import escape_control

_WINDOW = 100
_DIGITS = 3
_MOST_PENDING = 4_096


class TerminalSink(Sink):
    """Updates one live line on a terminal. In other outputs (a log file, CI), it prints a new line at an interval.

    Args:
        stream: Output stream. Default: standard error, so that standard output is left to the program.
        interval_s: Seconds between two lines. Default: 0.5 on a terminal, otherwise 30.
        total: Planned number of environment steps, or `None`. With it, the line shows the progress in percent.
        clock: Source of the time.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        *,
        interval_s: float | None = None,
        total: int | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._live = self._stream.isatty()
        self._interval_s = interval_s if interval_s is not None else (0.5 if self._live else 30.0)
        self._total = total
        self._clock = clock
        self._drawn_at = clock.monotonic()
        self._width = 0
        self._closed = False
        self._episodes = 0
        self._env_step = 0
        self._rewards: deque[float] = deque(maxlen=_WINDOW)
        self._successes: deque[bool | None] = deque(maxlen=_WINDOW)
        self._update: PolicyUpdate | None = None
        self._pace = Throughput()
        self._pending: list[Record] = []

    def write(self, record: Record) -> None:
        """Add a record to the line, and draw the line if the interval has passed.

        Args:
            record: Record of any stream.

        Raises:
            ClosedError: The sink is closed.
        """
        if self._closed:
            raise ClosedError(f"{self.name} is closed")
        match record:
            case Episode():
                self._episodes += 1
                self._rewards.append(record.reward)
                self._successes.append(record.success)
            case PolicyUpdate():
                self._update = record
            case (
                Event(kind="rewind", data={"episodes": int(episodes)})
                | Event(kind="state", message="resumed", data={"episodes": int(episodes)})
            ):
                self._go_back_to(episodes, (record.data or {}).get("env_step"))
            case Event(severity="warning" | "critical"):
                self._print(f"{record.severity}: {record.message}")
            case Evaluation():
                self._print(_evaluation(record))
        step = step_of(record)
        if step is not None:
            self._env_step = max(self._env_step, step)
            self._pending.append(record)
            if len(self._pending) >= _MOST_PENDING:
                self._fold()
        if self._clock.monotonic() - self._drawn_at >= self._interval_s:
            self._draw()

    def flush(self) -> None:
        """Flush the output stream."""
        if not self._closed:
            self._stream.flush()

    def close(self) -> None:
        """Draw the line a last time, and end it."""
        if not self._closed:
            self._closed = True
            self._draw()
            if self._live:
                self._stream.write("\n")
            self._stream.flush()

    def line(self) -> str:
        """Return the line with the current vital signs."""
        step = f"{self._env_step:,}"
        if self._total:
            step += f"/{self._total:,} ({percent(share_of(self._total, self._env_step) or 0.0)})"
        parts = [f"step {step}", f"episodes {self._episodes:,}"]
        if self._rewards:
            finite = [reward for reward in self._rewards if math.isfinite(reward)]
            ignored = len(self._rewards) - len(finite)
            mean = number(sum(finite) / len(finite) if finite else None, 3)
            parts.append(f"reward {mean}{f' ({ignored} non-finite)' if ignored else ''}")
        reported = [success for success in self._successes if success is not None]
        if reported:
            rate = sum(reported) / len(reported)
            parts.append(f"success {reported_share(rate, len(reported), len(self._successes))}")
        if self._update is not None:
            parts += _named("updates", self._update, "kl_divergence", "entropy")
        self._fold()
        speed = self._pace.recent(is_open=not self._closed)
        if speed is not None:
            parts.append(f"{number(speed, _DIGITS)} steps/s")
        return " | ".join(parts)

    def _go_back_to(self, episodes: int, env_step: int | None) -> None:
        """Set the counts after a resume or a rewind, and remove the episodes that the rewind abandoned."""
        for _ in range(min(max(0, self._episodes - episodes), len(self._rewards))):
            self._rewards.pop()
            self._successes.pop()
        self._episodes, self._env_step = episodes, env_step or 0
        self._pace, self._pending = Throughput(), []

    def _fold(self) -> None:
        """Add the records since the last line to the throughput."""
        pending, self._pending = self._pending, []
        for stream in dict.fromkeys(STREAM_OF[type(record)] for record in pending):
            self._pace.take_records(stream, (one for one in pending if STREAM_OF[type(one)] == stream))

    def _draw(self) -> None:
        self._drawn_at = self._clock.monotonic()
        line = self.line()
        if self._live:
            # A wrapped line cannot be overwritten.
            room = shutil.get_terminal_size().columns - 1
            line = line[:room]
            self._stream.write(f"\r{line.ljust(min(self._width, room))}")  # the terminal can have become narrower
            self._width = len(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def _print(self, text: str) -> None:
        """Print a separate line above the live line."""
        text = escape_control(text)
        self._stream.write(f"\r{text.ljust(self._width)}\n" if self._live else text + "\n")
        self._stream.flush()


def _named(stream: str, record: Record, *names: str) -> list[str]:
    """Format the reported fields of a record, each with its short label. Missing fields are omitted."""
    values = ((metric_of(stream, name), getattr(record, name)) for name in names)
    return [f"{one.short_label} {format_value(one, value, _DIGITS)}" for one, value in values if value is not None]


def _evaluation(record: Evaluation) -> str:
    whose = f" of {record.policy}" if record.policy else ""
    return f"evaluation{whose}: " + ", ".join(_named("evaluations", record, "reward", "quality", "success_rate"))
