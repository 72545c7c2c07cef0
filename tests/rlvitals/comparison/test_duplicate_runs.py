"""Tests of duplicate runs."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rlvitals import TrainingMonitor, compare
from rlvitals.comparison import rank_in_history
from rlvitals.formats.importers import import_run
from rlvitals.runs import Run

Monitor = Callable[..., TrainingMonitor]
Seeds = Callable[..., list[Run]]
Trained = Callable[..., Run]

BEGAN = 1_700_000_000.0


def rewards(seed: int) -> list[float]:
    """Return the rewards of 40 episodes, which only this seed has."""
    return list(np.random.default_rng(seed).normal(size=40))


def copied(run: Run, name: str) -> Run:
    """Copy the run folder."""
    return Run(Path(shutil.copytree(run.path, run.path.with_name(name))))


def named(found: object) -> dict[str, str]:
    """Return the run that each duplicate repeats."""
    return {one.run: one.repeats.of for one in found.runs if one.repeats}  # type: ignore[attr-defined]


def test_copies_count_once(trained: Trained) -> None:
    """Six folders of two trainings count as two runs, which is the first caveat."""
    for name, level in (("a", 0.0), ("b", 5.0)):
        first = trained(f"{name}-0", level + np.array(rewards(0)), began=BEGAN + level, lr=level)
        copied(first, f"{name}-1"), copied(first, f"{name}-2")
    found = compare("logs/a-*", "logs/b-*", target=4.0)
    (versus,) = found.comparisons

    assert (versus.verdict, versus.runs, versus.effect.estimate) == ("not enough runs", (1, 1), None)
    assert named(found) == {"a-1": "a-0", "a-2": "a-0", "b-1": "b-0", "b-2": "b-0"}
    assert found.limits[0].startswith("Of 6 runs, 2 are distinct.")
    assert "a-0, a-1 and a-2; b-0, b-1 and b-2. They hold the same records" in found.limits[0]
    assert [(group.runs, group.counted, group.left_out) for group in found.groups] == [(3, 1, 2)] * 2
    assert [group.target.runs for group in found.groups if group.target] == [1, 1]
    assert set(found.groups[0].curves["Logos-v0"].contributing) == {1}
    assert not any("have no outcome" in note for note in found.notes)
    assert [one.partition(". They")[0] for one in compare("logs/a-*").limits] == [
        "Of 3 runs, 1 is distinct. Counted as one run: a-0, a-1 and a-2"
    ]


def test_a_copy_counts_in_one_group(trained: Trained) -> None:
    """A copy in another group counts as the same run, even if its header was changed."""
    first = [trained(f"a-{seed}", rewards(seed), began=BEGAN + seed, lr=0.1) for seed in range(3)]
    for run in first:
        header = copied(run, run.path.name.replace("a", "b")).path / "run.json"
        header.write_text(header.read_text().replace("0.1", "0.2"))
    found = compare("logs/a-*", "logs/b-*")

    assert found.comparisons[0].verdict == "not enough runs"
    assert [group.counted for group in found.groups] == [3, 0]
    assert found.groups[1].curves["Logos-v0"].contributing[0] == 0


def test_a_folder_copied_during_the_run_counts_with_it(monitor: Monitor, seeds: Seeds) -> None:
    """A run and a copy made while it was active are one training, of which the longer one counts."""
    with monitor("run", configuration={"env_id": "Logos-v0"}) as training:
        training.log_episode(0, 1.0, 100, env_step=100)
        copy = copied(Run(training.path), "before")
        training.log_episode(1, 1.0, 100, env_step=200)
        run = Run(training.path)
        found = compare(copy, run, *seeds("a", 0.0, 2))

        assert named(found) == {"before": "run"}
        assert rank_in_history(run, [copy, copied(run, "after")]).earlier == 0


def test_copies_of_a_failed_run_count_once(seeds: Seeds) -> None:
    """Copies of a failed run count as worst once."""
    (failed,) = seeds("a", 0.0, 1, until=0.4, failed=True, lr=0.1)
    copied(failed, "a-copy")
    found = compare(failed, "logs/a-copy", *seeds("a", 0.0, 3, first=1, lr=0.1), *seeds("b", 0.0, 3, lr=0.2))

    assert found.groups[0].worst == 1
    assert named(found) == {"a-copy": "a-0"}


@pytest.mark.parametrize(
    ("file", "head", "line"),
    [
        ("x.monitor.csv", '#{"t_start": 1700000000.25, "env_id": "Logos-v0"}\nr,l,t', "{reward},{length},{at}.5"),
        ("x.csv", "reward,length,episode", "{reward},{length},{at}"),
    ],
)
def test_an_export_imported_twice_is_one_run(logs: Path, file: str, head: str, line: str) -> None:
    """An export that was imported twice is one run, with and without clock times."""
    lines = [line.format(reward=reward, length=10 + at, at=at) for at, reward in enumerate(rewards(0))]
    Path(file).write_text("\n".join([head, *lines]) + "\n")
    runs = [import_run(file, logs, name=name) for name in ("one", "two")]

    assert named(compare(runs)) == {"two": "one"}


def test_a_training_repeated_with_its_seed_counts_once(trained: Trained) -> None:
    """A training repeated with its seed counts once, but the same seed with other settings is a separate run."""
    runs = [
        trained(f"{lr}-{at}", rewards(0), began=BEGAN + 1000 * at + lr, seed=7, lr=lr)
        for lr in (1, 2)
        for at in range(3)
    ]
    found = compare(runs)

    assert named(found) == {"1-1": "1-0", "1-2": "1-0", "2-1": "2-0", "2-2": "2-0"}
    assert "They have the same seed, settings and outcome" in found.limits[0]


@pytest.mark.parametrize("seed", [None, 0])
def test_equal_rewards_are_one_run_with_any_seed(trained: Trained, seed: int | None) -> None:
    """Runs with the same forty rewards are one run, whatever seeds they recorded."""
    runs = [
        trained(f"a-{at}", rewards(0), began=BEGAN + 1000 * at, seed=None if seed is None else seed + at)
        for at in range(3)
    ]
    found = compare(runs)

    assert named(found) == {"a-1": "a-0", "a-2": "a-0"}
    assert "All their numbers are equal throughout" in found.limits[0]
    assert ("name different seeds" in found.limits[0]) == (seed is not None)


@pytest.mark.parametrize("began", [0.0, BEGAN])
@pytest.mark.parametrize("seeded", [True, False])
def test_seeds_that_all_reach_the_highest_reward_are_separate_runs(
    trained: Trained, began: float, *, seeded: bool
) -> None:
    """Seeds that all reach the highest reward are separate runs, at once or after different learning curves."""
    runs = []
    for name, top, curve in (("a", 500.0, False), ("b", 480.0, True)):
        for seed in range(3):
            way = 100.0 * np.random.default_rng(seed).random(20) if curve else np.full(20, top)
            said = {"seed": seed} if seeded else {}
            time = began + seed if began else 0.0
            runs.append(trained(f"{name}-{seed}", [*way, *[top] * 20], began=time, lr=name, **said))
    found = compare(runs)
    (versus,) = found.comparisons

    assert named(found) == {}
    assert (versus.verdict, versus.runs, versus.effect.estimate) == ("worse", (3, 3), None)


def test_one_seed_with_different_outcomes_is_noted(trained: Trained) -> None:
    """Runs with the same seed but different outcomes count, and a note doubts their independence."""
    runs = [trained(f"a-{at}", rewards(at), seed=7) for at in range(2)]
    found = compare(runs, trained("a-2", rewards(2), seed=8))

    assert found.groups[0].counted == 3
    assert found.notes[0].startswith("These runs have the same seed and settings but different outcomes: a-0 and a-1. ")
    assert not any("same seed" in note for note in compare(runs[0], trained("b", rewards(3), lr=1, seed=7)).notes)


def test_all_recorded_seeds_are_compared(trained: Trained) -> None:
    """Runs that all reach the top and share the environment's seed are not duplicates."""
    found = compare([trained(f"a-{seed}", [500.0] * 40, env_seed=1, seed=seed) for seed in range(3)])

    assert named(found) == {}
    assert not any("same seed" in note for note in found.notes)


def test_a_schedule_is_the_same_for_every_seed(monitor: Monitor, logs: Path) -> None:
    """Equal learning rates do not make two runs duplicates."""
    for seed in range(2):
        with monitor(f"s{seed}", configuration={"seed": seed}) as training:
            for step in range(40):
                training.log_training_step(step, None, None, None, learning_rate=1e-3 / (1 + step), env_step=step)

    assert named(compare(logs, metric="updates.learning_rate")) == {}
