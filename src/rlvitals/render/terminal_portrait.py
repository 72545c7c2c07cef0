"""A run, drawn for a terminal: what it was first, how it went below, so that its end stands above the prompt."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from rlvitals.render import terminal_tables
from rlvitals.render.terminal import BAD, LABEL, STYLES, TITLE, facts_grid, number_text, readable_width, status_text
from rlvitals.render.terminal_text import (
    count,
    escape_control,
    format_age,
    format_duration,
    format_time,
    number,
    packed,
    percent,
)
from rlvitals.runs import Header
from rlvitals.sinks.flattening import flat_settings
from rlvitals.summary.history import History, Stretch
from rlvitals.summary.overview import Overview
from rlvitals.summary.status import OPEN, Life

_PACKAGES = ("rlvitals", "stable-baselines3", "gymnasium", "torch", "numpy")
_COMMIT = 12
_TRACEBACK_LINES = 12
_INDENT = 2

Fact = tuple[str, str | Text]
Section = tuple[str, RenderableType | None]


def print_portrait(screen: Console, overview: Overview, header: Header, history: History, *, now: float) -> None:
    """Print a run.

    Args:
        screen: Where to.
        overview: Its overview.
        header: What it says of itself.
        history: How it went.
        now: The time (UTC, seconds since 1970).
    """
    life = overview.life
    about = escape_control(", ".join(filter(None, (life.project, *header.tags))))
    title = Text.assemble((escape_control(life.run_id), TITLE), "  ", status_text(life.status))
    screen.print(title.append(f"  {about}", LABEL) if about else title)
    width = readable_width(screen) - _INDENT
    for heading, body in (("", facts_grid(_life(life, now))), *_was(header, width), *_went(overview, header, history)):
        if body is not None:
            if heading:
                screen.print()
                screen.print(Text(heading, TITLE))
            screen.print(Padding.indent(body, _INDENT))


def _was(header: Header, width: int) -> Iterator[Section]:
    yield "Reproduction", facts_grid(_reproduction(header))
    settings = [escape_control(f"{name}={value}") for name, value in flat_settings(header.configuration)]
    yield "Configuration", Text("\n".join(packed(settings, width))) if settings else None


def _went(overview: Overview, header: Header, history: History) -> Iterator[Section]:
    yield "Progress", facts_grid(_progress(overview, history))
    yield (f"Reward: {history.reward_source}" if history.reward_source else "Reward"), terminal_tables.curve(history)
    yield ("Over the run" if history.reward_source else "Episodes"), terminal_tables.stretches(history)
    yield "Categories", terminal_tables.categories(history.categories, history.episodes)
    yield "Ends", terminal_tables.ends(history.terminations)
    yield "Updates", terminal_tables.metrics(history.metrics, history.updates)
    yield (
        "Algorithm, as of the last episode",
        facts_grid((name, number_text(it)) for name, it in history.algorithm.items()),
    )
    yield (
        _last("Evaluations", history.evaluations, history.evaluations_total),
        terminal_tables.evaluations(history.evaluations),
    )
    yield _last("Events", history.events, history.events_total), terminal_tables.events(history.events)
    yield "Failure", _failure(header)


def _life(life: Life, now: float) -> Iterator[Fact]:
    if life.ended is None:
        yield "life", f"{escape_control(life.reason)}; last heard of {format_age(now - life.updated)}"
    yield "started", f"{format_time(life.started)}, {format_age(now - life.started)}"
    if life.ended is not None:
        yield "ended", f"{format_time(life.ended)}, {format_age(now - life.ended)}"
    yield "lasted", format_duration(life.duration)
    yield "folder", escape_control(life.path)


def _reproduction(header: Header) -> Iterator[Fact]:
    said = header.reproduction
    command, git, packages = said.get("command"), said.get("git"), said.get("packages")
    if isinstance(command, list):
        yield "command", escape_control(shlex.join(map(str, command)))
    if said.get("folder"):
        yield "in", escape_control(str(said["folder"]))
    if isinstance(git, dict):
        commit = Text(escape_control(f"{str(git.get('commit'))[:_COMMIT]} on {git.get('branch')}"))
        yield "git", commit.append(", with uncommitted changes", STYLES["warning"]) if git.get("dirty") else commit
    if said.get("python"):
        yield "python", escape_control(f"{said['python']} on {said.get('platform')}, {said.get('cpus')} CPUs")
    if isinstance(packages, dict):
        yield (
            "packages",
            escape_control(", ".join(f"{name} {packages[name]}" for name in _PACKAGES if name in packages)),
        )
    yield "host", escape_control(", ".join(dict.fromkeys(writer.host for writer in header.writers)))
    sessions = sum(writer.rewind is None for writer in header.writers)
    if len(header.writers) > 1:
        yield "sessions", f"{count(sessions)}{_rewinds(header)}"


def _rewinds(header: Header) -> str:
    rewinds = [writer.rewind for writer in header.writers if writer.rewind is not None]
    clocks = [(clock, getattr(to, clock)) for to in rewinds for clock in to.__struct_fields__]
    said = ", ".join(f"{clock.replace('_', ' ')} {count(at)}" for clock, at in clocks if at is not None)
    return f"; went back to {said}" if said else ""


def _progress(overview: Overview, history: History) -> Iterator[Fact]:
    life, goal, target, verdict = overview.life, overview.goal, overview.target, overview.verdict
    if verdict is not None:
        yield "verdict", escape_control(f"{verdict.title}. {verdict.text}")
    yield "episodes", count(overview.episodes)
    steps = count(overview.env_step)
    yield "steps", f"{steps} of {number(goal)} ({percent(overview.progress)})" if goal else steps
    yield "updates", count(overview.updates)
    if target is not None:
        yield "target", _target(target, history.stretches)
    if overview.seconds_left is not None:
        yield "left", f"about {format_duration(overview.seconds_left)}"
    if overview.steps_per_second is not None:
        mean = f"{number(overview.steps_per_second)} steps a second over the run"
        recent = f"{mean}, {number(overview.recent_steps_per_second)} recently"
        yield "speed", recent if life.status in OPEN else mean
    load = history.load
    peaks = (("", load.memory_peak), ("GPU ", load.gpu_memory_peak))
    memory = ", ".join(f"{where}{number(peak)} MiB at most" for where, peak in peaks if peak is not None)
    if memory:
        yield "memory", memory
    lost = ", ".join(f"{where} {count(lost)}" for where, lost in life.losses.items())
    yield "lost", Text(escape_control(lost), BAD) if lost else "nothing"


def _target(target: float, stretches: Mapping[str, Stretch]) -> str:
    means = {name: stretch.measures["reward"].mean for name, stretch in stretches.items()}
    reached = {name for name, mean in means.items() if mean is not None and mean >= target}
    verdict = (
        "reached" if "last_tenth" in reached else "reached, but not held" if "best_window" in reached else "not reached"
    )
    return f"reward {number(target)}: {verdict}"


def _failure(header: Header) -> Text | None:
    failure = header.failure
    if failure is None:
        return None
    error = failure.text
    frames = failure.traceback.rstrip().removesuffix(error).splitlines()
    # Markers under code point nowhere once a long line is folded.
    # A mark before each, as a message may go over several lines, and look like something else.
    frames = [f"| {escape_control(line)}" for line in frames if line.strip(" ^~")]
    return Text.assemble(("\n".join([*frames[-_TRACEBACK_LINES:], ""]), LABEL), (escape_control(error), BAD))


def _last(what: str, shown: list[dict[str, Any]], total: int) -> str:
    return what if len(shown) == total else f"{what}, the last {len(shown)} of {count(total)}"
