"""Screen of `rlvitals watch`, drawn from the state of a run and the size of the terminal."""

import io
from collections.abc import Iterable

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.text import Text

from rlvitals.documents.document import Block
from rlvitals.documents.watch_blocks import evaluation_blocks, number_blocks, status_blocks, verdict_blocks
from rlvitals.formatting import format_age, format_duration, format_time
from rlvitals.records import Event
from rlvitals.render.terminal import LABEL, STYLES, TITLE, readable, status_text
from rlvitals.render.terminal_document import colored_health, laid_out
from rlvitals.summary.vital_signs import Vitals
from rlvitals.text_escaping import escape_control

_LONGEST_BAR = 100
_MOST_EVENTS = 8
_FEWEST_EVENTS = 2
_DATE, _SECONDS = 10, 19
"""Length of a time stamp up to the date and up to the seconds, in characters."""


def drawn(vitals: Vitals, width: int, height: int | None = None, *, keys: str = "") -> RenderableType:
    """Draw the vital signs of a run.

    Args:
        vitals: State of the run.
        width: Width of the screen in columns.
        height: Height of the screen in lines; `None` for unlimited. On a low screen findings are shortened and only
            the events that fit are shown.
        keys: Help for the keys, shown in the last line.
    """
    width = readable(width)
    above = _above(vitals, width, short=False)
    below = [Text(keys, LABEL, no_wrap=True)] if keys else []
    if height is None:
        return Group(*above, *_events(vitals, _MOST_EVENTS), *below)
    room = height - len(below) - 1
    if _tall(above, width) + _FEWEST_EVENTS > room:
        above = _above(vitals, width, short=True)
    if _tall(above, width) > room:
        above = [part for part in above if not isinstance(part, Text) or part.plain]  # without the empty lines
    return Group(*above, *_events(vitals, room - _tall(above, width) - 1), *below)


def _above(vitals: Vitals, width: int, *, short: bool) -> list[RenderableType]:
    progress = vitals.overview.progress
    parts: list[RenderableType] = [_head(vitals)]
    if progress is not None:
        bar = ProgressBar(1.0, progress, min(width, _LONGEST_BAR), style=LABEL, complete_style=STYLES["running"])
        parts.append(Padding(bar, 0, expand=False))  # ends the line
    parts += laid_out(status_blocks(vitals), width)
    evaluation: Iterable[Block] = () if short else evaluation_blocks(vitals.evaluation)
    for blocks in (verdict_blocks(vitals, short=short), number_blocks(vitals), evaluation):
        shown = laid_out(blocks, width)
        parts += [Text(""), *shown] if shown else []
    return parts


def _head(vitals: Vitals) -> Text:
    state = vitals.state
    name = (escape_control(state.run_id), TITLE)
    line = Text.assemble(name, "  ", status_text(state.status), overflow="fold")
    line.append("  ").append_text(colored_health(vitals.diagnosis.health))
    age = state.age(vitals.now)
    if vitals.is_open:
        return line.append(f"  last record {format_age(age)}", LABEL)
    ended = "" if age is None else f", ended {format_age(age)}"
    return line.append(f"  duration {format_duration(state.duration)}{ended}", LABEL)


def _events(vitals: Vitals, room: int) -> list[RenderableType]:
    shown = sorted(vitals.events[-min(_MOST_EVENTS, room) :], key=lambda event: event.time) if room > 0 else []
    times = [format_time(event.time) for event in shown]
    is_today = {text[:_DATE] for text in times} <= {format_time(vitals.now)[:_DATE]}
    lines = [
        _event(event, text[_DATE + 1 if is_today else 0 : _SECONDS]) for event, text in zip(shown, times, strict=True)
    ]
    return [Text(""), *lines] if lines else []


def _event(event: Event, time: str) -> Text:
    line = Text.assemble((f"{time} ", LABEL), no_wrap=True, overflow="ellipsis")
    if event.severity not in {None, "info"}:
        line.append(f"{event.severity}: ", STYLES.get(str(event.severity), ""))
    return line.append(" ".join(escape_control(event.message).split()))


def _tall(parts: list[RenderableType], width: int) -> int:
    """Return the number of lines that the parts need at a width."""
    paper = Console(width=width, file=io.StringIO())
    return sum(len(paper.render_lines(part)) for part in parts)
