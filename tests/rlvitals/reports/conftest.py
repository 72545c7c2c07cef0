"""Runs of every odd kind, and what a page may hold."""

import functools
import math
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rlvitals import RecorderSettings, RunReader, TrainingMonitor, open_run
from rlvitals.reports import write_report

Monitor = Callable[..., TrainingMonitor]

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> `a|b` [x](javascript:alert(1)) $\\frac"
_VOID = {"meta", "br", "img"}


class Page(HTMLParser):
    """A page, read strictly: what is opened is closed, in its order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes what is not open")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def updated(training: TrainingMonitor, *, updates: int = 40, bad: float | None = None) -> None:
    """Log a training that learns, or one whose numbers are all bad."""
    for update in range(updates):
        value = 0.5 if bad is None else bad
        training.log_training_step(update, value, value, value, kl_divergence=value / 50, env_step=100 * update)
        reward = 0.1 * update + 0.3 * math.sin(update) if bad is None else bad
        training.log_episode(
            update,
            reward,
            100,
            0.1,
            0.9,
            0.8,
            env_step=100 * update,
            success=update % 3 == 0,
            category="ab"[update % 2],
        )


def hostile(training: TrainingMonitor) -> None:
    """Log texts that would be script, wherever a text can be said."""
    for at in range(40):
        training.log_episode(
            at, float(at), 5, termination_reason=HOSTILE, category=HOSTILE, env_step=at,
            additional_info={"parameters_explored": {HOSTILE: at % 5}},
        )  # fmt: skip
    training.log_event("note", HOSTILE, severity="warning")
    items = {HOSTILE: {"reward": 1.0}, "b": {"reward": 2.0}}
    training.log_evaluation(40, 1.0, 0.5, 0.5, 2, items=items)
    training.log_evaluation(40, 0.5, 0.5, 0.5, 2, items=items, policy=HOSTILE)
    svg = '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
    training.log_image(HOSTILE, svg, caption=HOSTILE, env_step=10)


def empty(_: TrainingMonitor) -> None:
    """Log nothing."""


def one_episode(training: TrainingMonitor) -> None:
    training.log_episode(0, 1.0, 3, None, None, None)


def no_updates(training: TrainingMonitor) -> None:
    for at in range(30):
        training.log_episode(at, float(at), 3, None, None, None)


def no_episodes(training: TrainingMonitor) -> None:
    for at in range(30):
        training.log_training_step(at, 0.1, 0.1, 0.1)


ODD: dict[str, Callable[[TrainingMonitor], None]] = {
    "empty": empty,
    "one episode": one_episode,
    "no updates": no_updates,
    "no episodes": no_episodes,
    "all NaN": lambda training: updated(training, bad=math.nan),
    "all infinite": lambda training: updated(training, bad=-math.inf),
    "largest": lambda training: updated(training, bad=1.7e308),
    "well": updated,
    "hostile": hostile,
}


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RunReader]:
    """Makes a run of one of those kinds, once: for tests that only read it."""
    folder = tmp_path_factory.mktemp("odd")

    @functools.cache
    def make(kind: str) -> RunReader:
        monitor = TrainingMonitor(
            folder,
            session_name=kind.replace(" ", "-"),
            configuration={HOSTILE: HOSTILE},
            project_name=HOSTILE,
            tags=[HOSTILE],
            settings=RecorderSettings(system_interval_s=None),
        )
        with monitor:
            ODD[kind](monitor)
        return open_run(monitor.path)

    return make


@pytest.fixture(params=ODD)
def odd(request: pytest.FixtureRequest, kept: Callable[[str], RunReader]) -> RunReader:
    """One run of each odd kind."""
    return kept(request.param)


@pytest.fixture
def made(monitor: Monitor) -> Callable[[str], RunReader]:
    """Makes a run of one of those kinds, among the logs, for a test of its own."""

    def make(kind: str) -> RunReader:
        with monitor(kind.replace(" ", "-"), configuration={HOSTILE: HOSTILE}) as training:
            ODD[kind](training)
        return open_run(training.path)

    return make


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[RunReader], Page]:
    """Writes the report of a run, once, and reads it as strictly as HTML can be read."""
    folder = tmp_path_factory.mktemp("reports")

    @functools.cache
    def page(path: Path) -> Page:
        return Page(write_report(open_run(path), folder / f"{path.name}.html").read_text())

    return lambda run: page(run.path)


@pytest.fixture
def read_page() -> Callable[[str], Page]:
    """Reads a page, likewise."""
    return Page


@pytest.fixture
def hostile_text() -> str:
    """A text that would be a script, a link, a formula or a table, if one let it."""
    return HOSTILE
