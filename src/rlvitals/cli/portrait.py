"""A run, drawn for a terminal: what it was first, how it went below, so that its end stands above the prompt."""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.text import Text

from rlvitals.cli import tables
from rlvitals.cli.screen import BAD, LABEL, STYLES, TITLE, facts_grid, number_text, readable_width, status_text
from rlvitals.cli.words import ago, clean, count, moment, number, packed, percent, span
from rlvitals.runs import Header
from rlvitals.sinks.flattening import flat_settings
from rlvitals.summary.history import History, Stretch
from rlvitals.summary.life import OPEN, Life
from rlvitals.summary.overview import Overview

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
    about = clean(", ".join(filter(None, (life.project, *header.tags))))
    title = Text.assemble((clean(life.run_id), TITLE), "  ", status_text(life.status))
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
    settings = [clean(f"{name}={value}") for name, value in flat_settings(header.configuration)]
    yield "Configuration", Text("\n".join(packed(settings, width))) if settings else None


def _went(overview: Overview, header: Header, history: History) -> Iterator[Section]:
    yield "Progress", facts_grid(_progress(overview, history))
    yield (f"Reward: {history.reward_source}" if history.reward_source else "Reward"), tables.curve(history)
    yield ("Over the run" if history.reward_source else "Episodes"), tables.stretches(history)
    yield "Categories", tables.categories(history.categories, history.episodes)
    yield "Ends", tables.ends(history.terminations)
    yield "Updates", tables.metrics(history.metrics, history.updates)
    yield (
        "Algorithm, as of the last episode",
        facts_grid((name, number_text(it)) for name, it in history.algorithm.items()),
    )
    yield _last("Evaluations", history.evaluations, history.evaluations_total), tables.evaluations(history.evaluations)
    yield _last("Events", history.events, history.events_total), tables.events(history.events)
    yield "Failure", _failure(header)


def _life(life: Life, now: float) -> Iterator[Fact]:
    if life.ended is None:
        yield "life", f"{clean(life.reason)}; last heard of {ago(now - life.updated)}"
    yield "started", f"{moment(life.started)}, {ago(now - life.started)}"
    if life.ended is not None:
        yield "ended", f"{moment(life.ended)}, {ago(now - life.ended)}"
    yield "lasted", span(life.duration)
    yield "folder", clean(life.path)


def _reproduction(header: Header) -> Iterator[Fact]:
    said = header.reproduction
    command, git, packages = said.get("command"), said.get("git"), said.get("packages")
    if isinstance(command, list):
        yield "command", clean(shlex.join(map(str, command)))
    if said.get("folder"):
        yield "in", clean(str(said["folder"]))
    if isinstance(git, dict):
        commit = Text(clean(f"{str(git.get('commit'))[:_COMMIT]} on {git.get('branch')}"))
        yield "git", commit.append(", with uncommitted changes", STYLES["warning"]) if git.get("dirty") else commit
    if said.get("python"):
        yield "python", clean(f"{said['python']} on {said.get('platform')}, {said.get('cpus')} CPUs")
    if isinstance(packages, dict):
        yield "packages", clean(", ".join(f"{name} {packages[name]}" for name in _PACKAGES if name in packages))
    yield "host", clean(", ".join(dict.fromkeys(writer.host for writer in header.writers)))
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
        yield "verdict", clean(f"{verdict.title}. {verdict.text}")
    yield "episodes", count(overview.episodes)
    steps = count(overview.env_step)
    yield "steps", f"{steps} of {number(goal)} ({percent(overview.progress)})" if goal else steps
    yield "updates", count(overview.updates)
    if target is not None:
        yield "target", _target(target, history.stretches)
    if overview.seconds_left is not None:
        yield "left", f"about {span(overview.seconds_left)}"
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
    yield "lost", Text(clean(lost), BAD) if lost else "nothing"


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
    frames = [f"| {clean(line)}" for line in frames if line.strip(" ^~")]
    return Text.assemble(("\n".join([*frames[-_TRACEBACK_LINES:], ""]), LABEL), (clean(error), BAD))


def _last(what: str, shown: list[dict[str, Any]], total: int) -> str:
    return what if len(shown) == total else f"{what}, the last {len(shown)} of {count(total)}"
