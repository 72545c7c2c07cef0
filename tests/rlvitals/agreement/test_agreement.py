"""All outputs agree on the facts about a run."""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rlvitals import TrainingMonitor, open_run
from rlvitals.dashboard.curve_views import curves
from rlvitals.dashboard.query_params import StreamName, View
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.stats.series.convergence import convergence
from rlvitals.stats.series.trend import trend

from .every_output import STATED, TEXTS, Answers, FolderOutputs, RunOutputs, command
from .made_runs import RECIPES, MadeRun, Reward, RunWriter, noisy, train
from .stated import FACTS, NOT_JUDGED, RECENT, Quantity, disagreements, finite_mean, same

pytestmark = pytest.mark.xdist_group("agreement")
"""The runs are made once and each output is queried once, by one worker."""
LITTLE = ("empty", "one-episode", "three-episodes")
"""Runs with too little data for an assessment."""
LEARNING = ("rise-then-dip", "rise-then-flat", "late-start", "resumed", "rewound", "never-moved")
"""Finished runs with finite rewards, enough for a trend."""
VERDICTS = ("dashboard page", "report HTML", "check --json", "watch --json", "show --json", "open_run")
"""Outputs with a verdict. Each represents all outputs of its kind."""
_MOVING = {"improving", "declining"}
_GREEN = re.compile(r"\x1b\[(?:\d+;)*32(?:;\d+)*m")


class MadeRuns:
    """Sample runs, each queried once through all outputs.

    Args:
        scratch: Folder for runs and temporary files.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        writer = RunWriter(scratch / "logs")
        self.runs = {name: writer.make(name) for name in RECIPES}
        self.folder = FolderOutputs(writer.folder, scratch)
        self._outputs = {name: RunOutputs(run, scratch) for name, run in self.runs.items()}
        self._answers: dict[str, Answers | Exception] = {}

    def answers(self, run: str) -> Answers:
        """Return the facts that every output states about a run. A failure is cached and raised each time."""
        if run not in self._answers:
            try:
                self._answers[run] = self.folder.answers(run) | self._outputs[run].answers()
            except Exception as error:  # noqa: BLE001 - raised below
                self._answers[run] = error
        found = self._answers[run]
        if isinstance(found, Exception):
            raise found
        return found

    def text(self, run: str, output: str) -> str:
        """Return the text that an output shows about a run."""
        return self._outputs[run].text(output)

    def rewards(self, run: str) -> list[float]:
        """Return the rewards of a run's episodes, or of the metric that represents them."""
        reader = open_run(self.runs[run].path)
        if run == "scalars-only":
            return [record.values["ep_rew_mean"] for record in reader.records("scalars")]
        return [episode.reward for episode in reader.records("episodes")]

    def close(self) -> None:
        """Close the open monitors."""
        for run in self.runs.values():
            if run.monitor is not None:
                run.monitor.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeRuns]:
    """Make all sample runs, in a few seconds. Their outputs are queried when the first test needs them."""
    made = MadeRuns(tmp_path_factory.mktemp("agreement"))
    yield made
    made.close()


@pytest.mark.parametrize("fact", FACTS)
@pytest.mark.parametrize("run", RECIPES)
def test_every_output_states_the_same_fact(made: MadeRuns, run: str, fact: str) -> None:
    """All outputs that state a fact agree, to the digits that they show."""
    found = disagreements(made.answers(run), fact)
    assert not found, f"{run}: {fact}: {'; '.join(found)}"


def test_every_fact_is_stated_by_several_outputs(made: MadeRuns) -> None:
    """Every fact is stated by at least two outputs, so that the previous test compares something."""
    answers = [*made.answers("with-quality").values(), *made.answers("target-reached").values()]

    assert {fact for fact in FACTS if sum(fact in stated for stated in answers) < 2} == set()


@pytest.mark.parametrize("output", STATED)
def test_an_output_states_its_expected_facts(made: MadeRuns, output: str) -> None:
    """An output states at least its expected facts, so that the comparison covers them."""
    assert STATED[output] - set(made.answers("with-quality")[output]) == set()


@pytest.mark.parametrize("run", RECIPES)
def test_a_mean_covers_finite_values_and_counts_the_others(made: MadeRuns, run: str) -> None:
    """In every output, a NaN does not turn the mean into NaN and is counted next to it."""
    rewards = made.rewards(run)
    recent = rewards[-(max(1, len(rewards) // 10) if run == "scalars-only" else RECENT) :]
    mean, bad = finite_mean(recent), Quantity(sum(not math.isfinite(reward) for reward in recent))
    stating = {output: dict(stated) for output, stated in made.answers(run).items() if "reward" in stated}

    wrong = {output: str(it["reward"]) for output, it in stating.items() if not same(it["reward"], mean)}
    silent = [output for output, it in stating.items() if bad.value and not same(it.get("reward_not_finite"), bad)]
    assert not wrong, f"{run}: the mean is {mean}; {wrong}"
    assert not silent, f"{run}: {bad} of {len(recent)} are not finite, which is missing in {', '.join(silent)}"


@pytest.mark.parametrize("run", LITTLE)
def test_too_little_evidence_is_not_judged(made: MadeRuns, run: str) -> None:
    """No output shows a score, in particular not 100, or anything green."""
    unjudged = {None, NOT_JUDGED}
    wrong = {
        f"{output}: {fact}": str(stated[fact])
        for output, stated in ((output, dict(stated)) for output, stated in made.answers(run).items())
        for fact, allowed in (
            ("health", unjudged),
            ("condition", unjudged),
            ("tone", {None, "neutral", "watch"}),
        )
        if stated.get(fact) not in allowed
    }
    for output in TEXTS:
        text = made.text(run, output)
        if re.search(r"100(</b><span>)?\*{0,2} of 100", text):
            wrong[f"{output}: text"] = "100 of 100"
        if re.search(r'class="[^"]*-good\b|<meter', text):
            wrong[f"{output}: markup"] = "green, or a meter"
    for row in re.findall(rf"<tr>(?:(?!</tr>).)*>{run}<.*?</tr>", made.folder.texts["digest HTML"], re.DOTALL):
        if "tone-good" in row:
            wrong["digest HTML: markup"] = "green"
    for words in (("check",), ("watch", "--once")):
        lines = command(*words, made.runs[run].path, color=True).splitlines()
        if any("health" in line and _GREEN.search(line) for line in lines):
            wrong[f"{words[0]}: colour"] = "green"

    assert not wrong, f"{run}: {wrong}"


@pytest.mark.parametrize("run", LEARNING)
def test_trend_and_course_have_one_definition(made: MadeRuns, run: str) -> None:
    """The trend covers the last quarter, 100 to 1,000 episodes, and a reward that still changes has not converged."""
    rewards = np.asarray(made.rewards(run))
    recent = trend(rewards[-min(1_000, max(100, rewards.size // 4)) :]).verdict
    course = convergence(rewards).status
    courses = {course} if recent not in _MOVING else {recent, "improving", "declining", "not enough data"}

    wrong = {
        f"{output}: {fact}": it[fact]
        for output, it in ((output, dict(stated)) for output, stated in made.answers(run).items())
        for fact, right in (("trend", {recent}), ("course", courses))
        if fact in it and it[fact] not in right
    }
    assert not wrong, f"{run}: {recent}, {course}; {wrong}"


@pytest.mark.parametrize("run", [run for run in LEARNING if run != "never-moved"])  # a rule has a finding there
def test_a_verdict_names_its_window(made: MadeRuns, run: str) -> None:
    """A verdict distinguishes recent changes from changes over the whole run."""
    texts = {output: stated["text"] for output, stated in made.answers(run).items() if "text" in stated}
    nameless = {output: text for output, text in texts.items() if not re.search(r"last [\d,]+", text)}

    assert texts
    assert not nameless, f"{run}: {nameless}"


@pytest.mark.parametrize(
    ("reward", "episodes"),
    [
        pytest.param(noisy(lambda e: e / 400), 600, id="rising"),
        pytest.param(noisy(lambda e: e / 1000 if e < 1000 else 1.15 - 0.15 * e / 1000), 2_000, id="falling"),
        pytest.param(noisy(lambda e: min(1.0, e / 200)), 1_500, id="converged"),
        pytest.param(noisy(lambda _: 0.0), 3, id="three-episodes"),
    ],
)
def test_closing_a_run_changes_only_its_status(tmp_path: Path, reward: Reward, episodes: int) -> None:
    """The status "completed" does not replace a verdict."""
    writer = RunWriter(tmp_path / "logs")
    monitor = writer.begin("run", total_timesteps=50 * episodes)
    train(monitor, range(episodes), reward, began=monitor.session.start_time - 2.0 * episodes)
    run = MadeRun(monitor.path, None, writer.line)
    before = RunOutputs(run, tmp_path).answers(*VERDICTS)
    monitor.close()
    after = RunOutputs(run, tmp_path).answers(*VERDICTS)

    changed = {
        f"{output}: {fact}": f"{value}, then {dict(after[output]).get(fact)}"
        for output, stated in before.items()
        for fact, value in dict(stated).items()
        if fact not in {"status", "speed"} and not same(dict(after[output]).get(fact), value)
    }
    assert not changed, changed


def test_a_milestone_agrees_with_the_outputs_at_its_episode(tmp_path: Path) -> None:
    """For a run up to its convergence milestone, every output states that it has converged."""
    shapes: dict[str, Callable[[int], float]] = {
        "flat": lambda e: min(1.0, e / 800),
        "dip": lambda e: e / 1400 if e < 1400 else 1 - 0.12 * (e - 1400) / 600,
    }
    wrong: dict[str, str] = {}
    milestones = 0
    for name, level in shapes.items():
        whole = _trained(tmp_path, name, noisy(level), 2_000)
        for event in open_run(whole.path).records("events"):
            if event.code != "converged" or event.episode is None:
                continue
            milestones += 1
            part = _trained(tmp_path, f"{name}-{event.episode}", noisy(level), event.episode + 1)
            run = MadeRun(part.path, None, RunWriter(tmp_path).line)
            answers = RunOutputs(run, tmp_path).answers("dashboard page", "show --json", "open_run")
            for output, stated in answers.items():
                if stated.get("course", "converged") != "converged" or stated.get("trend", "stable") in _MOVING:
                    answer = f"{stated.get('course')}, {stated.get('trend')}"
                    wrong[f"{name}, converged at {event.episode}: {output}"] = answer

    assert milestones
    assert not wrong, wrong


def _trained(folder: Path, name: str, reward: Reward, episodes: int) -> TrainingMonitor:
    with RunWriter(folder).begin(name) as monitor:
        train(monitor, range(episodes), reward)
    return monitor


def test_a_reached_target_is_a_milestone(made: MadeRuns) -> None:
    """A reached target has a milestone in the events, and the summary agrees."""
    for run, reached in (("target-reached", True), ("never-moved", False)):
        codes = {event.code for event in open_run(made.runs[run].path).records("events")}
        targets = {stated["target"] for stated in made.answers(run).values() if "target" in stated}

        assert ("target-reached" in codes) is reached
        assert targets == ({"reached"} if reached else set())


@pytest.mark.parametrize(
    ("stream", "field"), [("episodes", "reward"), ("updates", "learning_rate"), ("updates", "entropy")]
)
def test_the_last_value_of_a_chart_is_the_last_record(made: MadeRuns, stream: StreamName, field: str) -> None:
    """The payload of a dashboard chart contains the last record, whatever the smoothing."""
    path = made.runs["rise-then-flat"].path
    watched = WatchedRun(path.name, path)
    watched.refresh()
    (series,) = curves(watched, [field], View("env_step", stream=stream))
    *_, last = open_run(path).records(stream)

    assert series.extent.last == getattr(last, field)
