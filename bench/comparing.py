"""Error rates and power of comparisons between runs, on simulated runs and on real trainings.

Each table simulates runs with known properties and applies the functions of `rlvitals.stats`. A share p of r
repetitions has an uncertainty of 2 sqrt(p (1 - p) / r), which is 1.4 points around 5 % at 1000 repetitions, and 0.5
points at 8000 repetitions (false positives).

    python bench/comparing.py [--quick] [--only coverage,false,...] [--corpus FOLDER] [--runs FOLDER]

`--corpus` compares the healthy runs of a labelled corpus (`labels.json`, `NAME/run.json`, `NAME/episodes.parquet`) with
the runs of each fault, and with each other. `--runs` times the comparison of all runs in a folder.
"""
# ruff: noqa: PLR2004 -- planted effects and tolerances, given in the table titles

import argparse
import json
import math
import resource
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray

from rlvitals import compare
from rlvitals.runs.header import Header, write_header
from rlvitals.runs.layout import Layout
from rlvitals.stats.groups.divergence import series_divergence
from rlvitals.stats.groups.effect_size import hedges_g, probability_of_improvement
from rlvitals.stats.groups.paired_items import compare as compare_items
from rlvitals.stats.groups.permutation import compare_groups, compare_over_tasks
from rlvitals.stats.groups.power import MOST_RUNS, more_runs, power
from rlvitals.stats.groups.run_intervals import iqm_of_runs, mean_of_runs, median_of_runs
from rlvitals.stats.groups.sequential import sequential_test
from rlvitals.stats.groups.welch import moments_of, welch
from rlvitals.stats.parameters.sensitivity import sensitivity

Values = NDArray[np.float64]
SEED = 2026
SHAPES = ("normal", "skewed", "very skewed", "two modes", "heavy tails")


def drawn(generator: np.random.Generator, shape: str, size: int | tuple[int, ...]) -> Values:
    """Draw outcomes: normal, exponential, log-normal, a mixture with 30 % failures (-3, std 0.5), or t (3 df)."""
    if shape == "normal":
        return generator.standard_normal(size)
    if shape == "skewed":
        return generator.exponential(size=size)
    if shape == "very skewed":
        return np.exp(generator.standard_normal(size))
    if shape == "two modes":
        return np.where(generator.random(size) < 0.3, -3.0, 0.0) + 0.5 * generator.standard_normal(size)
    return generator.standard_t(3, size=size)


@lru_cache
def truths(shape: str) -> dict[str, float]:
    """Return the mean, median, interquartile mean and standard deviation of a shape, from two million draws."""
    sample = np.sort(drawn(np.random.default_rng(1), shape, 2_000_000))
    quarter = sample.size // 4
    return {
        "mean": float(sample.mean()),
        "median": float(np.median(sample)),
        "iqm": float(sample[quarter:-quarter].mean()),
        "spread": float(sample.std()),
    }


def autoregressive(generator: np.random.Generator, runs: int, length: int, rho: float) -> Values:
    """Return stationary AR(1) series with variance 1, shape `(runs, length)`."""
    series = generator.standard_normal((runs, length))
    series[:, 1:] *= math.sqrt(1.0 - rho * rho)
    for t in range(1, length):
        series[:, t] += rho * series[:, t - 1]
    return series


def percent(share: float) -> str:
    """Format a share as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as Markdown."""
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}", flush=True)
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def percentile_bootstrap(sample: Values, generator: np.random.Generator) -> tuple[float, float]:
    """Return the percentile bootstrap interval of the mean, for reference."""
    means = sample[generator.integers(sample.size, size=(1000, sample.size))].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def coverage(repetitions: int) -> None:
    """Measure the coverage of nominal 95 % intervals over a few runs."""
    rows = []
    for shape in SHAPES:
        truth = truths(shape)
        for runs in (3, 4, 5, 6, 8, 10, 30):
            generator = np.random.default_rng([SEED, runs])
            hits = np.zeros(4)
            for sample in drawn(generator, shape, (repetitions, runs)):
                found = (
                    mean_of_runs(sample, generator)[1:],
                    median_of_runs(sample)[1:],
                    iqm_of_runs(sample, generator)[1:],
                    percentile_bootstrap(sample, generator),
                )
                names = ("mean", "median", "iqm", "mean")
                hits += [low <= truth[name] <= high for (low, high), name in zip(found, names, strict=True)]
            rows.append([shape, str(runs), *(percent(hit / repetitions) for hit in hits)])
    table(
        "Coverage of 95 % intervals",
        ["outcomes", "runs", "mean", "median", "IQM", "percentile bootstrap of the mean"],
        rows,
    )


def effects(repetitions: int) -> None:
    """Measure the coverage of Hedges' g for effects in standard deviations of the shape."""
    rows = []
    for runs in (3, 5, 10, 30):
        for effect in (0.0, 1.0, 2.0):
            row = [f"{runs} + {runs}", str(effect)]
            for shape in SHAPES:
                generator = np.random.default_rng([SEED, runs, SHAPES.index(shape)])
                moved = effect * truths(shape)["spread"]
                found = [
                    hedges_g(drawn(generator, shape, runs) + moved, drawn(generator, shape, runs))
                    for _ in range(repetitions // 2)
                ]
                row.append(percent(float(np.mean([one.low <= effect <= one.high for one in found]))))
            rows.append(row)
    table("Coverage of Hedges' g", ["runs", "effect", *SHAPES], rows)


def false_positives(repetitions: int) -> None:
    """Measure false positives for two groups without a difference, at equal and unequal spread."""
    rows = []
    for first, second in ((3, 3), (4, 4), (3, 4), (3, 5), (4, 5), (5, 5), (3, 10), (10, 10)):
        found = [_named(first, second, shape, 8 * repetitions) for shape in SHAPES]
        rows.append([f"{first} + {second}", *(percent(share) for share, _ in found), found[0][1]])
    for tasks in (2, 5):
        row = [f"3 + 3 on {tasks} tasks"]
        for shape in SHAPES:
            generator = np.random.default_rng([SEED, tasks, SHAPES.index(shape)])
            made = [
                compare_over_tasks(list(drawn(generator, shape, (tasks, 2, 3))), generator, interval=False)
                for _ in range(2 * repetitions)
            ]
            row.append(percent(float(np.mean([one.p_value <= 0.05 for one in made]))))
        rows.append([*row, made[0].method])
    table("False positives at 5 %", ["runs", *SHAPES, "method"], rows)
    rows = []
    for first, second in ((3, 3), (4, 4), (5, 5), (10, 10), (3, 5), (5, 3)):
        shares = [
            _named(first, second, shape, repetitions, wider)[0] for shape in ("normal", "skewed") for wider in (2, 3, 5)
        ]
        rows.append([f"{first} + {second}", *map(percent, shares)])
    table(
        "False positives at 5 %, equal means, first group with 2, 3, 5 times the standard deviation",
        ["runs", *(f"{shape}, {wider}" for shape in ("normal", "skewed") for wider in (2, 3, 5))],
        rows,
    )
    _correlated(repetitions)


def _named(first: int, second: int, shape: str, repetitions: int, wider: float = 1.0) -> tuple[float, str]:
    """Return how often two groups with equal means have a significant difference, and the name of the test."""
    generator = np.random.default_rng([SEED, first, second, SHAPES.index(shape)])
    mean, named, method = truths(shape)["mean"], 0, ""
    for _ in range(repetitions):
        mine = mean + wider * (drawn(generator, shape, first) - mean)
        found = compare_groups(mine, drawn(generator, shape, second), generator, interval=False)
        named += found.p_value <= 0.05
        method = found.method
    return named / repetitions, method


def _correlated(repetitions: int) -> None:
    rows = []
    for first, second in ((3, 3), (5, 5)):
        for rho in (0.0, 0.5, 0.9):
            generator = np.random.default_rng([SEED, first])
            named = by_episodes = 0
            for _ in range(2 * repetitions):
                levels = generator.standard_normal(first + second)
                rewards = levels[:, None] + 2.0 * autoregressive(generator, first + second, 100, rho)
                outcomes = rewards.mean(axis=1)
                outcome = compare_groups(outcomes[:first], outcomes[first:], generator, interval=False)
                named += outcome.p_value <= 0.05
                by_episodes += welch(moments_of(rewards[0]), moments_of(rewards[first])).p_value <= 0.05
            shares = (named / (2 * repetitions), by_episodes / (2 * repetitions))
            rows.append([f"{first} + {second}", str(rho), *map(percent, shares)])
    table(
        "False positives with AR(1) rewards inside runs (100 episodes each)",
        ["runs", "rho", "over runs", "t test over the episodes of two runs"],
        rows,
    )


def chances(repetitions: int) -> None:
    """Measure power, predicted and observed, and check the predicted number of additional runs."""
    rows = []
    for runs in (3, 4, 5, 10):
        for effect in (0.5, 1.0, 2.0, 3.0):
            generator = np.random.default_rng([SEED, runs])
            named = [
                compare_groups(
                    drawn(generator, "normal", runs) + effect,
                    drawn(generator, "normal", runs),
                    generator,
                    interval=False,
                ).p_value
                <= 0.05
                for _ in range((2 if runs < 10 else 1) * repetitions)
            ]
            rows.append(
                [f"{runs} + {runs}", str(effect), percent(power(runs, runs, effect)), percent(float(np.mean(named)))]
            )
    table("Power for an effect in standard deviations", ["runs", "effect", "predicted", "observed"], rows)
    rows = []
    for name, truth in (
        ("distributed as N(0, 4^2)", lambda generator: 4.0 * generator.standard_normal()),
        ("distributed as N(0, 2^2)", lambda generator: 2.0 * generator.standard_normal()),
        ("distributed as N(0, 1)", lambda generator: generator.standard_normal()),
        ("always 1", lambda _: 1.0),
        ("always 2", lambda _: 2.0),
    ):
        for shape in ("normal", "skewed"):
            rows.append([name, shape, *_foretold(repetitions // 4, truth, shape)])
    table(
        "k additional runs per group after 3 + 3 runs without a significant difference",
        ["true effects", "outcomes", "predicted power", "observed power with k more", "median k", "more than 200"],
        rows,
    )


def _foretold(wanted: int, truth: Callable[[np.random.Generator], float], shape: str) -> list[str]:
    generator = np.random.default_rng([SEED, 3])
    spread = truths(shape)["spread"]
    told: list[bool] = []
    foretold: list[float] = []
    needed: list[int] = []
    never = tries = 0
    while len(told) < wanted and tries < 20 * wanted:
        tries += 1
        effect = spread * truth(generator)
        a, b = drawn(generator, shape, 3) + effect, drawn(generator, shape, 3)
        if compare_groups(a, b, generator).p_value <= 0.05:
            continue
        coming = more_runs(a, b, generator)
        further = coming.needed or MOST_RUNS
        never += coming.needed is None
        foretold.append(coming.chance)
        needed.append(further)
        a = np.concatenate([a, drawn(generator, shape, further) + effect])
        b = np.concatenate([b, drawn(generator, shape, further)])
        told.append(compare_groups(a, b, generator, interval=False).p_value <= 0.05)
    return [
        percent(float(np.mean(foretold))),
        percent(float(np.mean(told))),
        f"{np.median(needed):.0f}",
        percent(never / max(1, len(told))),
    ]


def sequential(repetitions: int) -> None:
    """Measure repeated testing after each additional run, up to 40 runs per group."""
    rows = []
    for shape in SHAPES:
        generator = np.random.default_rng(SEED)
        spread = truths(shape)["spread"]
        ever = tests = 0
        stops: dict[float, list[int]] = {1.0: [], 2.0: []}
        for _ in range(repetitions):
            a, b = drawn(generator, shape, 40), drawn(generator, shape, 40)
            ever += any(sequential_test(a[:k], b[:k]).e_value >= 20.0 for k in range(2, 41))
            tests += any(welch(moments_of(a[:k]), moments_of(b[:k])).p_value <= 0.05 for k in range(2, 41))
        for effect, found in stops.items():
            for _ in range(repetitions // 4):
                a, b = drawn(generator, shape, 40) + effect * spread, drawn(generator, shape, 40)
                found.append(next((k for k in range(2, 41) if sequential_test(a[:k], b[:k]).e_value >= 20.0), 41))
        medians = [f"{np.median(found):.0f}" for found in stops.values()]
        rows.append([shape, percent(ever / repetitions), percent(tests / repetitions), *medians])
    table(
        "Repeated tests after each of 40 runs",
        ["outcomes", "any false positive", "repeated t test", "runs per group to detect effect 1", "effect 2"],
        rows,
    )


def improvement(repetitions: int) -> None:
    """Measure the coverage of the probability that a run of one group beats a run of the other group."""
    rows = []
    for effect in (0.0, 1.5, 3.0):
        row = [str(effect)]
        generator = np.random.default_rng(SEED)
        truth = float(np.mean(generator.standard_normal(10**6) + effect > generator.standard_normal(10**6)))
        for runs in (3, 5, 10, 30):
            found = [
                probability_of_improvement(generator.standard_normal(runs) + effect, generator.standard_normal(runs))
                for _ in range(repetitions)
            ]
            row.append(percent(float(np.mean([one.low <= truth <= one.high for one in found]))))
        rows.append(row)
    table(
        "Coverage of the probability of improvement, normal outcomes",
        ["effect", "3 + 3", "5 + 5", "10 + 10", "30 + 30"],
        rows,
    )


def items(repetitions: int) -> None:
    """Compare a gain of 0.01 over 40 logos that differ with std 0.1, each measured with noise of std 0.015."""
    generator = np.random.default_rng(SEED)
    paired = unpaired = wrong = 0
    for _ in range(repetitions):
        logos = generator.normal(0.8, 0.1, 40)
        a, b, c = (logos + generator.normal(0.0, 0.015, 40) for _ in range(3))
        a = a + 0.01
        paired += compare_items(a, b, generator).verdict == "better"
        wrong += compare_items(c, b, generator).verdict in {"better", "worse"}
        unpaired += welch(moments_of(a), moments_of(b)).p_value <= 0.05
    found = [percent(count / repetitions) for count in (paired, unpaired, wrong)]
    table("+0.01 over 40 logos", ["paired by item", "unpaired t test", "paired by item, no gain"], [found])


def planted(repetitions: int) -> None:
    """Detect one hyperparameter among 40, and a level shift in one of eight metrics."""
    rows = []
    for runs in (30, 60, 120):
        for share in (0.2, 0.5):
            generator = np.random.default_rng([SEED, runs])
            hits = others = noise = 0
            for _ in range(repetitions // 10):
                settings = {f"h{k}": generator.random(runs) for k in range(40)}
                signal = math.sqrt(12.0 * share / (1.0 - share)) * settings["h7"]
                named = [
                    one.name
                    for one in sensitivity(settings, signal + generator.standard_normal(runs), generator).influences
                    if one.matters
                ]
                hits += "h7" in named
                others += bool(set(named) - {"h7"})
                noise += sensitivity(settings, generator.standard_normal(runs), generator).verdict == "found"
            count = repetitions // 10
            rows.append([str(runs), percent(share), *(percent(x / count) for x in (hits, others, noise))])
    table(
        "One hyperparameter among 40",
        ["runs", "explained variance", "found", "others reported", "reported in noise"],
        rows,
    )
    rows = []
    for updates in (50, 100, 200, 500):
        for size in (3.0, 5.0):
            generator = np.random.default_rng([SEED, updates])
            near = told = wrong = 0
            count = repetitions // 10
            for _ in range(count):
                one, other = (
                    {f"m{k}": np.linspace(0.0, 3.0, updates) + generator.standard_normal(updates) for k in range(8)}
                    for _ in range(2)
                )
                wrong += series_divergence(one, other).kind == "beyond noise"
                at = int(generator.integers(updates // 4, 3 * updates // 4))
                other["m3"][at:] += size * math.sqrt(2.0)
                parts = series_divergence(one, other)
                told += parts.place is not None
                near += parts.place is not None and abs(parts.place - at) <= 2
            rows.append([str(updates), str(size), *(percent(x / count) for x in (near, told, wrong))])
    table(
        "First divergence of two seeds: level shift in one of eight metrics, in standard deviations of the difference",
        ["updates", "shift", "found within 2 updates", "found", "false alarms"],
        rows,
    )


def real(folder: Path, repetitions: int) -> None:
    """Compare healthy trainings with faulty ones, and with each other, in each environment."""
    labels = json.loads((folder / "labels.json").read_text())
    with tempfile.TemporaryDirectory() as place:
        paths = {name: _made(folder / name, Path(place) / name) for name in labels}
        groups: dict[tuple[str, str], list[Path]] = defaultdict(list)
        for name, label in labels.items():
            if not label.get("ambiguous") and (label["fault"] is None or label["manifests"]):
                groups[label["environment"], label["fault"] or "healthy"].append(paths[name])
        generator = np.random.default_rng(SEED)
        rows = []
        for (environment, fault), healthy in groups.items():
            if fault != "healthy" or len(healthy) < 6:
                continue
            half, differ = len(healthy) // 2, 0
            outcomes = np.array([run.outcomes["final"] for run in compare(healthy, by="task").runs if run.outcomes])
            for _ in range(repetitions // 4):
                order = generator.permutation(outcomes)
                differ += compare_groups(order[:half], order[half:], generator).p_value <= 0.05
            rows.append([environment, str(len(healthy)), percent(differ / (repetitions // 4))])
        table("Healthy vs. healthy: random halves", ["environment", "runs", "false positives"], rows)
        verdicts: dict[str, Counter[str]] = defaultdict(Counter)
        for (environment, fault), runs in sorted(groups.items()):
            healthy = groups[environment, "healthy"]
            if fault == "healthy":
                continue
            names = {path.name: "healthy" for path in healthy} | {path.name: fault for path in runs}
            found = compare([*healthy, *runs], by=lambda run, names=names: names[run.path.name], baseline="healthy")
            verdicts[fault][found.comparisons[0].verdict] += 1
        table(
            "Healthy vs. each fault, by training reward: verdicts over environments",
            ["fault", "verdicts"],
            [
                [fault, ", ".join(f"{k} {v}" for k, v in count.most_common())]
                for fault, count in sorted(verdicts.items())
            ],
        )


def _made(source: Path, path: Path) -> Path:
    """Create a run folder from a training of the corpus."""
    said = json.loads((source / "run.json").read_text())
    layout = Layout(path)
    layout.make()
    out = str(layout.stream("episodes") / "000001.parquet")
    columns = (
        "CAST(1 AS BIGINT) AS writer, CAST(episode AS BIGINT) AS episode, wall_time + 1.7e9 AS time, "
        "coalesce(CAST(reward AS DOUBLE), CAST('nan' AS DOUBLE)) AS reward, CAST(length AS BIGINT) AS length, "
        "CAST(env_step AS BIGINT) AS env_step"
    )
    rows = f"SELECT {columns} FROM read_parquet('{source / 'episodes.parquet'}')"  # noqa: S608 - constants of this file
    with duckdb.connect() as tables:
        tables.execute(f"COPY ({rows}) TO '{out}'")
    settings = {
        name: value for name, value in said.items() if name not in {"run_id", "status", "error", "wall_seconds"}
    }
    status = "failed" if said.get("status") == "crashed" else "completed"
    write_header(layout, Header(run_id=path.name, status=status, started=1.7e9, configuration=settings))
    return path


def timing(folder: Path) -> None:
    """Time the comparison of all runs in a folder with empty caches."""
    begun = time.perf_counter()
    found = compare(folder)
    took = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    values = sum(run.values for run in found.runs)
    table(
        "Speed",
        ["runs", "values", "seconds", "MiB"],
        [[str(len(found.runs)), f"{values:,}", f"{took:.1f}", f"{memory:.0f}"]],
    )


TABLES: dict[str, Callable[[int], None]] = {
    "coverage": coverage,
    "effects": effects,
    "false": false_positives,
    "chances": chances,
    "sequential": sequential,
    "improvement": improvement,
    "items": items,
    "planted": planted,
}


def main() -> None:
    """Print the selected tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="run a fifth of the repetitions")
    parser.add_argument("--only", default=",".join(TABLES), help="comma-separated tables, or 'none'")
    parser.add_argument("--corpus", type=Path, help="folder of labelled trainings")
    parser.add_argument("--runs", type=Path, help="folder of runs for timing")
    given = parser.parse_args()
    repetitions = 200 if given.quick else 1000
    for name in given.only.split(","):
        if name in TABLES:
            begun = time.perf_counter()
            TABLES[name](repetitions)
            print(f"\n({time.perf_counter() - begun:.0f} s)", flush=True)
    if given.corpus:
        real(given.corpus, repetitions)
    if given.runs:
        timing(given.runs)


if __name__ == "__main__":
    main()
