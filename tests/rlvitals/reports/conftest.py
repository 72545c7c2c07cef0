"""Runs of every odd kind, and what a page may hold."""

import functools
import math
import os
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from rlvitals import Comparison, RecorderSettings, RunReader, TrainingMonitor, open_run
from rlvitals.comparison.limits import limits_of
from rlvitals.comparison.result import (
    Curve,
    Equivalent,
    Estimates,
    Group,
    Influence,
    Look,
    MoreRuns,
    PairedItems,
    ProfileCurve,
    Range,
    Reached,
    Refusal,
    RunOutcome,
    SettingsEffect,
    Versus,
)
from rlvitals.errors import ExportError
from rlvitals.reports import write_report
from rlvitals.reports.print_pdf import find_browser

Monitor = Callable[..., TrainingMonitor]
Compared = Callable[..., Comparison]
NOTHING = Range(None, None, None)

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
def printer() -> str:
    """The browser that prints."""
    try:
        return find_browser()
    except ExportError as error:
        if os.environ.get("RLVITALS_BROWSER_TESTS") == "required":
            pytest.fail(str(error))
        pytest.skip(str(error))


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


@pytest.fixture
def compared() -> Compared:
    """Makes a comparison by hand of each group's outcomes; `None` is a run that counts as worst.

    The first group is the baseline. `odd` leaves out every number that may be absent; `everything` fills every part.
    """

    def make(
        groups: Mapping[str, Sequence[float | None]],
        *,
        tasks: Sequence[str] = ("Logos-v0",),
        verdict: Any = "better",
        odd: bool = False,
        everything: bool = False,
    ) -> Comparison:
        names = list(groups)
        found = Comparison(
            metric="episodes.reward",
            higher_is_better=True,
            statistic="final",
            axis="env_step",
            horizons=dict.fromkeys(tasks, 4_000.0),
            level=0.05,
            target=2.0 if everything else None,
            groups=[_group(name, outcomes, tasks, odd, everything) for name, outcomes in groups.items()],
            comparisons=[
                _versus(name, names[0], task, verdict, odd, everything) for name in names[1:] for task in tasks
            ],
            runs=[
                _outcome(f"{name}-{at}", name, task, outcome)
                for name, outcomes in groups.items()
                for task in tasks
                for at, outcome in enumerate(outcomes)
            ],
            differences={"lr": {name: at for at, name in enumerate(names)}} if len(names) > 1 else {},
            paired=[_paired(names)] if everything else [],
            settings=_settings() if everything else None,
            notes=["Runs are compared at 4000 environment steps."],
            refused=[Refusal("logs/broken", "run.json is damaged")] if everything else [],
        )
        found.limits.extend(limits_of(found))
        return found

    return make


def _paired(names: Sequence[str]) -> PairedItems:
    return PairedItems(
        group=names[-1],
        baseline=names[0],
        metric="quality",
        category="gradient",
        verdict="better",
        items=40,
        unshared=2,
        difference=Range(0.5, 0.25, 0.75),
        improved=Range(0.8, 0.6, 0.9),
        p_value=0.01,
    )


def _settings() -> SettingsEffect:
    found = Influence(
        name="lr", matters=True, share=0.4, best=0.1, worst=0.2, difference=Range(1.0, 0.5, 1.5), p_value=0.001,
        adjusted_p=0.004,
    )  # fmt: skip
    return SettingsEffect(
        verdict="found", runs=30, influences=[found], interactions=[("lr", "batch")], advice=["try lr near 0.1"]
    )


def _group(name: str, outcomes: Sequence[float | None], tasks: Sequence[str], odd: bool, everything: bool) -> Group:
    known = [one for one in outcomes if one is not None]
    mean = Range(sum(known) / len(known), min(known), max(known)) if known and not odd else NOTHING
    estimates = Estimates(mean=mean, median=mean, iqm=mean, lowest=mean.low, highest=mean.high, spread=None)
    heights: list[float | None] = [None if odd or at == 2 else (mean.estimate or 0.0) + at for at in range(5)]
    curve = Curve(
        places=[1000.0 * at for at in range(1, 6)],
        mean=heights,
        low=[None if one is None else one - 1 for one in heights],
        high=[None if one is None else one + 1 for one in heights],
        contributing=[0 if one is None else len(known) for one in heights],
    )
    return Group(
        name=name,
        runs=len(outcomes) * len(tasks),
        counted=len(known) * len(tasks),
        worst=(len(outcomes) - len(known)) * len(tasks),
        left_out=0,
        tasks=list(tasks),
        settings={},
        varying={"clip": [0.1, 0.2]} if everything else {},
        estimates=dict.fromkeys(("final", "area", "best"), estimates),
        curves=dict.fromkeys(tasks, curve),
        profile=None
        if odd
        else ProfileCurve(thresholds=[0.0, 1.0], shares=[1.0, 0.5], low=[0.5, 0.1], high=[1.0, 0.9]),
        target=Reached(runs=5, reached=3, median=None, restricted_mean=Range(2_500.0, 2_000.0, 3_000.0))
        if everything
        else None,
    )


def _versus(group: str, baseline: str, task: str, verdict: Any, odd: bool, everything: bool) -> Versus:
    return Versus(
        group=group,
        baseline=baseline,
        task=task,
        verdict=verdict,
        runs=(5, 5),
        difference=NOTHING if odd else Range(3.25, 1.5, 5.0),
        relative=None,
        p_value=None if odd else 0.0123,
        adjusted_p=None if odd else 0.0246,
        false_discovery_p=None,
        method="exact permutations",
        effect=NOTHING,
        improvement=NOTHING if odd else Range(0.9, 0.6, 0.99),
        equivalence=Equivalent("not shown to be the same", 2.0, NOTHING, None) if everything else None,
        sequential=Look("not decided yet", 3.5, NOTHING) if everything else None,
        more_runs=MoreRuns(None, 0.25) if everything else None,
        target_p=0.04 if everything else None,
        sentences=[f"{group} is {verdict} than {baseline}, said in a sentence.", "And in a second one."],
    )


def _outcome(run: str, group: str, task: str, outcome: float | None) -> RunOutcome:
    lost = outcome is None
    return RunOutcome(
        run=run,
        path=f"logs/{run}",
        group=group,
        task=task,
        seed=1,
        status="failed" if lost else "completed",
        standing="counts as worst" if lost else "counted",
        reason="failed at 40 % of the way" if lost else "",
        reached=4_000.0,
        values=40,
        not_finite=3 if lost else 0,
        outcomes={} if outcome is None else dict.fromkeys(("final", "area", "best"), outcome),
    )
