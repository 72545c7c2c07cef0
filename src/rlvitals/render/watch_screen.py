"""The vital signs on a screen: from a state and a size to what is printed, and nothing else."""

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
"""Characters of a time up to the end of its date, and of its seconds."""


def drawn(vitals: Vitals, width: int, height: int | None = None, *, keys: str = "") -> RenderableType:
    """Draw the vital signs.

    Args:
        vitals: The run, as it stands.
        width: Columns of the screen.
        height: Lines of the screen: in a low one findings are short, and events as many as fit. `None` where it has no
            end.
        keys: What is said in the last line of what the keys do.
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
        parts.append(Padding(bar, 0, expand=False))  # which ends its line
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
    since = vitals.now - state.updated
    if vitals.is_open:
        return line.append(f"  last record {format_age(max(0.0, since))}", LABEL)
    return line.append(f"  duration {format_duration(state.duration)}, ended {format_age(since)}", LABEL)


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
    """Lines that the parts take at that width."""
    paper = Console(width=width, file=io.StringIO())
    return sum(len(paper.render_lines(part)) for part in parts)
