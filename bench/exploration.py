"""Accuracy of exploration and paired comparison: false findings, recovery of planted effects, coverage.

python bench/exploration.py [--quick] [--only false|recovery|best|paired|narrowing|negligible|exhausted|speed]
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from rlvitals.diagnosis.rules.parameters import is_exhausted
from rlvitals.stats.groups.paired_items import compare, mean_effect
from rlvitals.stats.parameters.best_region import best_combination, best_region
from rlvitals.stats.parameters.bounds import at_bounds
from rlvitals.stats.parameters.effects import drivers
from rlvitals.stats.parameters.exploration import explore
from rlvitals.stats.parameters.exploration_decay import exploration_decay
from rlvitals.stats.parameters.search_progress import search_progress
from rlvitals.stats.parameters.total_effects import total_effects

Column = NDArray[np.float64]
Table = dict[str, Column]
PARAMETERS = 8
TIES = 0.6


def autoregression(draws: np.random.Generator, rows: int, rho: float) -> Column:
    """Return a first-order autoregression with unit variance."""
    noise = draws.normal(size=rows) * math.sqrt(1.0 - rho * rho)
    noise[0] = draws.normal()
    for at in range(1, rows):
        noise[at] += rho * noise[at - 1]
    return noise


def wander(draws: np.random.Generator, rows: int) -> Column:
    """Return samples of a policy with noise and with a mean that is a random walk over three standard deviations."""
    return np.cumsum(draws.normal(size=rows)) * 3.0 / math.sqrt(rows) + draws.normal(size=rows)


def mixed(draws: np.random.Generator, rows: int) -> Table:
    """Return columns that alternate between fractions and whole numbers."""
    return {
        f"p{i}": draws.random(rows) if i % 2 else draws.integers(0, 17, rows).astype(np.float64)
        for i in range(PARAMETERS)
    }


def each(make: Callable[[], Column]) -> Table:
    """Return eight columns from the same generator."""
    return {f"p{i}": make() for i in range(PARAMETERS)}


Case = tuple[Table, Column, Column | None, set[str]]


def independent(draws: np.random.Generator, rows: int) -> Case:
    """Return normal rewards that do not depend on the parameters."""
    return mixed(draws, rows), draws.normal(size=rows), None, set()


def heavy(draws: np.random.Generator, rows: int) -> Case:
    """Return lognormal rewards and parameters."""
    return each(lambda: np.exp(1.5 * draws.normal(size=rows))), np.exp(1.5 * draws.normal(size=rows)), None, set()


def slow(draws: np.random.Generator, rows: int) -> Case:
    """Return rewards and parameters with an autocorrelation of 0.9 and no additional noise."""
    return each(lambda: autoregression(draws, rows, 0.9)), autoregression(draws, rows, 0.9), None, set()


def drifting(draws: np.random.Generator, rows: int) -> Case:
    """Return policy and rewards that drift independently."""
    return each(lambda: wander(draws, rows)), wander(draws, rows), None, set()


def learning(draws: np.random.Generator, rows: int) -> Case:
    """Return policy and rewards that rise together along a learning curve, with decreasing variance."""
    clock = np.arange(rows) / rows
    table = each(lambda: 2.0 * np.tanh(3.0 * clock) + draws.normal(size=rows) * np.exp(-2.0 * clock))
    return table, 3.0 * np.tanh(3.0 * clock) + draws.normal(size=rows) * np.exp(-clock), None, set()


def categories(draws: np.random.Generator, rows: int) -> Case:
    """Return four categories with different rewards, reward variances and parameters."""
    kind = draws.integers(0, 4, rows).astype(np.float64)
    table = each(lambda: kind + (1.0 + 0.5 * kind) * draws.normal(size=rows))
    return table, 3.0 * kind + (1.0 + kind) * draws.normal(size=rows), kind, set()


def additive(draws: np.random.Generator, rows: int) -> Case:
    """Return three strong, nonlinear, additive effects. All other effects and all interactions are false."""
    table = each(lambda: draws.random(rows))
    reward = 4.0 * table["p0"] - 6.0 * (table["p1"] - 0.5) ** 2 + 2.0 * table["p2"] ** 3
    return table, reward + 0.3 * draws.normal(size=rows), None, {"p0", "p1", "p2"}


def correlated(draws: np.random.Generator, rows: int) -> Case:
    """Return three parameters with correlation 0.64, two with an effect. The third and all interactions are false."""
    common = draws.normal(size=rows)
    table = each(lambda: draws.normal(size=rows))
    for name in ("p0", "p1", "p2"):
        table[name] = 0.8 * common + 0.6 * table[name]
    return table, 2.0 * table["p0"] - table["p1"] ** 2 + 0.5 * draws.normal(size=rows), None, {"p0", "p1"}


def false_findings(trials: int) -> Iterator[str]:
    """Share of trainings with a reported effect that does not exist."""
    yield f"| case | rows | parameter | pair | any | ({trials} trainings each)"
    for case in (independent, heavy, slow, drifting, learning, categories, additive, correlated):
        for rows in (100, 300, 1000):
            counts = np.zeros(3)
            for seed in range(trials):
                draws = np.random.default_rng([rows, seed])
                table, reward, kind, true = case(draws, rows)
                found = drivers(table, reward, draws, category=kind)
                single = any(effect.drives and effect.name not in true for effect in found.effects)
                pair = any(pair.interacts for pair in found.interactions)
                counts += (single, pair, single or pair)
            yield f"| {case.__name__} | {rows} | " + " | ".join(f"{100 * c / trials:.1f} %" for c in counts) + " |"


def hill(draws: np.random.Generator, rows: int, noise: float) -> tuple[Table, Column]:
    """Return an optimum of two parameters at (0.4, 0.6), and two parameters that are good only together."""
    table = each(lambda: draws.random(rows))
    reward = -4.0 * (table["p0"] - 0.4) ** 2 - 4.0 * (table["p1"] - 0.6) ** 2
    reward += 3.0 * (table["p2"] - 0.5) * (table["p3"] - 0.5)
    return table, reward + noise * draws.normal(size=rows)


def recovery(trials: int) -> Iterator[str]:
    """Share of trainings with the planted effects reported, and distance of the reported optimum."""
    yield f"| noise | rows | both optimum parameters | pair | distance to optimum (median) | ({trials} trainings each)"
    for noise in (0.3, 0.6):
        for rows in (100, 200, 500, 1000, 3000):
            named = np.zeros(2)
            off: list[float] = []
            for seed in range(trials):
                draws = np.random.default_rng([rows, seed])
                found = drivers(*hill(draws, rows, noise), draws)
                effects = {effect.name: effect for effect in found.effects}
                both = effects["p0"].drives and effects["p1"].drives
                named += (
                    both,
                    any((p.first, p.second) == ("p2", "p3") and p.interacts for p in found.interactions),
                )
                if both:
                    off += [abs(effects["p0"].best - 0.4), abs(effects["p1"].best - 0.6)]
            shares = " | ".join(f"{100 * share:.0f} %" for share in named / trials)
            yield f"| {noise} | {rows} | {shares} | {np.median(off) if off else math.nan:.3f} |"


def best(trials: int) -> Iterator[str]:
    """False regions and combinations, recovery of true ones, and coverage of the gain."""
    yield f"| rows | region: noise | drift | optimum found | combination: noise | gain covered | ({trials})"
    for rows in (160, 500, 2000):
        counts = np.zeros(5)
        for seed in range(trials):
            draws = np.random.default_rng([rows, seed])
            table, reward, _, _ = independent(draws, rows)
            counts[0] += best_region(table, reward, draws).verdict == "better"
            table, reward, _, _ = drifting(draws, rows)
            counts[1] += best_region(table, reward, draws).verdict == "better"
            found = best_region(*hill(draws, rows, 0.3), draws)
            ends = [found.where.get(name, (0.0, 1.0)) for name in ("p0", "p1")]
            holds = all(low < at < high for (low, high), at in zip(ends, (0.4, 0.6), strict=True))
            counts[2] += found.verdict == "better" and holds
            few = {"a": draws.integers(0, 4, rows), "b": draws.integers(0, 3, rows)}
            counts[3] += best_combination(few, draws.exponential(size=rows), draws).verdict == "better"
            lift = 0.5 * (few["a"] == 1)
            gain = best_combination(few, lift + draws.exponential(size=rows), draws)
            elsewhere = (3 - (gain.where["a"] == 1)) / 11  # share of the eleven other combinations with the lift
            truth = 0.5 * (gain.where["a"] == 1) - 0.5 * elsewhere
            counts[4] += not gain.difference_low > truth and not gain.difference_high < truth
        yield f"| {rows} | " + " | ".join(f"{100 * count / trials:.1f} %" for count in counts) + " |"


def weak(draws: np.random.Generator, rows: int, share: float, shape: str) -> tuple[Table, Column]:
    """Return ten parameters; p0 explains a share of the reward's variance, alone or only together with p1."""
    table = {f"p{i}": draws.random(rows) for i in range(10)}
    effect = {
        "slope": table["p0"],
        "hump": -((table["p0"] - 0.5) ** 2),
        "pair": (table["p0"] - 0.5) * (table["p1"] - 0.5),
    }[shape]
    noise = draws.normal(size=rows) + 1.5 * (table["p2"] - 0.5)
    return table, effect / effect.std() * math.sqrt(share / (1.0 - share)) * noise.std() + noise


def negligible(trials: int) -> Iterator[str]:
    """Share of parameters called negligible (upper end below 2 %): without an effect, and with a small true effect."""
    titles = [f"{shape} {share:.0%}" for shape in SHAPES for share in SHARES]
    yield f"| rows | no effect | {' | '.join(titles)} | ({trials} trainings each)"
    for rows in (300, 1000, 2000, 5000):
        counts = np.zeros((len(SHAPES), len(SHARES)))
        none = 0.0
        for shape_at, shape in enumerate(SHAPES):
            for share_at, share in enumerate(SHARES):
                for seed in range(trials):
                    draws = np.random.default_rng([rows, seed, shape_at, share_at])
                    found = {one.name: one for one in total_effects(*weak(draws, rows, share, shape), draws)}
                    counts[shape_at, share_at] += found["p0"].verdict == "negligible"
                    none += sum(found[f"p{i}"].verdict == "negligible" for i in range(3, 10)) / 7
        shares = [none / counts.size, *counts.ravel()]
        yield f"| {rows} | " + " | ".join(f"{100 * one / trials:.1f} %" for one in shares) + " |"


def searched(draws: np.random.Generator, attempts: int, mode: str) -> tuple[Table, Column, Column, Column]:
    """Return a search of eight parameters with four attempts per item and four categories.

    The reward falls with the squared distance from an optimum, plus noise of each attempt and of each item. The policy
    is a mean, which moves as the mode says, plus normal noise with a standard deviation of 0.2 of the range.
    """
    time = np.arange(attempts) / attempts
    away = {
        "at the optimum from the start": 0.0 * time,
        "reached it at 30 %": np.clip(0.3 - time, 0.0, None),
        "optimum at a bound": 0.0 * time,
        "parameters have no effect": 0.0 * time,
        "still approaching": 0.4 * (1.0 - 0.5 * time),
        "approaching slowly": 0.3 * (1.0 - 0.3 * time),
        "last tenth of the way": 0.3 * np.exp(-2.3 * time),
        "stuck away from it": np.full(attempts, 0.3),
        "stuck, one parameter off": np.full(attempts, 0.3),
    }[mode]
    moved = 1 if mode == "stuck, one parameter off" else 3
    table = {}
    loss = np.zeros(attempts)
    for i in range(PARAMETERS):
        best = 0.0 if mode == "optimum at a bound" and i < moved else 0.5
        center = best + (away if i < moved else 0.0)
        table[f"p{i}"] = np.clip(center + 0.2 * draws.normal(size=attempts), 0.0, 1.0)
        loss += (table[f"p{i}"] - best) ** 2 * (mode != "parameters have no effect")
    item = np.arange(attempts) // 4
    kind = draws.integers(0, 4, item[-1] + 1)[item].astype(np.float64)
    noise = 0.1 * draws.normal(size=attempts) + 0.3 * draws.normal(size=item[-1] + 1)[item]
    return table, noise - 2.0 * loss + 0.2 * kind, kind, item.astype(np.float64)


def exhausted(trials: int) -> Iterator[str]:
    """Share of searches called exhausted. In the last four rows more can be won; in the one above, a tenth of a std."""
    yield f"| search | {' | '.join(f'{rows} attempts' for rows in SEARCHES)} | ({trials} searches each)"
    for mode in MODES:
        shares = []
        for rows in SEARCHES:
            count = 0
            for seed in range(trials):
                draws = np.random.default_rng([rows, seed])
                table, reward, kind, item = searched(draws, rows, mode)
                bounds = dict.fromkeys(table, (0.0, 1.0))
                found = search_progress(table, reward, draws, category=kind, items=item, bounds=bounds)
                count += found is not None and is_exhausted(found)
            shares.append(f"{100 * count / trials:.0f} %")
        yield f"| {mode} | {' | '.join(shares)} |"


SEARCHES = (600, 1500, 4000)
MODES = (
    "at the optimum from the start", "reached it at 30 %", "optimum at a bound", "parameters have no effect",
    "last tenth of the way", "still approaching", "approaching slowly", "stuck away from it",
    "stuck, one parameter off",
)  # fmt: skip
SHAPES, SHARES = ("slope", "hump", "pair"), (0.02, 0.03, 0.05)
SAMPLES: dict[str, tuple[Callable[[np.random.Generator, int], Column], float]] = {
    "normal": (lambda draws, count: draws.normal(size=count), 0.0),
    "Student t, 3 degrees": (lambda draws, count: draws.standard_t(3, size=count), 0.0),
    "exponential": (lambda draws, count: draws.exponential(size=count), 1.0),
    "lognormal": (lambda draws, count: np.exp(draws.normal(size=count)), math.exp(0.5)),
    "60 % ties, otherwise exponential": (
        lambda draws, count: draws.exponential(size=count) * (draws.random(count) > TIES),
        0.4,
    ),
}


def paired(trials: int) -> Iterator[str]:
    """Coverage of the 95 % interval of the mean, and false verdicts."""
    counts = (6, 10, 20, 50, 150)
    yield "| differences | " + " | ".join(f"{count} items" for count in counts) + f" | ({trials} samples each)"
    for name, (sample, mean) in SAMPLES.items():
        shares = []
        for count in counts:
            draws = np.random.default_rng([count, 1])
            effects = (mean_effect(sample(draws, count), draws) for _ in range(trials))
            shares.append(sum(effect.low <= mean <= effect.high for effect in effects) / trials)
        yield f"| {name} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |"
    for name, (sample, _) in SAMPLES.items():
        shares = []
        for count in counts:
            draws = np.random.default_rng([count, 2])
            verdicts = (compare(sample(draws, count), sample(draws, count), draws).verdict for _ in range(trials))
            shares.append(sum(verdict in {"better", "worse"} for verdict in verdicts) / trials)
        yield f"| false verdict: {name} | " + " | ".join(f"{100 * share:.1f} %" for share in shares) + " |"


def moving(trials: int) -> Iterator[str]:
    """False and true verdicts on narrowing over eight parameters, and false verdicts on bounds."""
    yield f"| rows | false narrowing or widening | while drifting | std halved: found | falsely pinned | ({trials})"
    for rows in (100, 300, 1000, 5000):
        counts = np.zeros(4)
        for seed in range(trials):
            draws = np.random.default_rng([rows, seed])
            for at, table in enumerate((mixed(draws, rows), drifting(draws, rows)[0])):
                counts[at] += any(each.verdict in {"narrowing", "widening"} for each in exploration_decay(table))
                counts[3] += any(bound.verdict.startswith("pinned") for bound in at_bounds(table))
            calmer = draws.normal(size=rows) * np.linspace(1.0, 0.5, rows)
            counts[2] += exploration_decay({**mixed(draws, rows), "p0": calmer})[0].verdict == "narrowing"
        yield f"| {rows} | " + " | ".join(f"{100 * count / trials:.1f} %" for count in counts) + " |"


def speed(_: int) -> Iterator[str]:
    """Time of the whole analysis on large runs."""
    for rows in (10_000, 1_000_000):
        draws = np.random.default_rng(0)
        table, reward = hill(draws, rows, 0.3)
        kind = draws.choice(["simple", "text", "gradient", "complex"], rows)
        begun = time.process_time()
        explore(table, {"reward": reward}, draws, category=kind)
        yield f"{rows} rows, 8 parameters, 4 categories, one outcome: {time.process_time() - begun:.1f} s of CPU"


PARTS = {
    "false": (false_findings, 200, 3),
    "recovery": (recovery, 50, 3),
    "best": (best, 200, 5),
    "paired": (paired, 1000, 50),
    "narrowing": (moving, 80, 3),
    "negligible": (negligible, 100, 3),
    "exhausted": (exhausted, 100, 3),
    "speed": (speed, 1, 1),
}


def main() -> None:
    """Print one table per part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="run only a few trials as a smoke test")
    parser.add_argument("--only", choices=[*PARTS], action="append", help="run only this part")
    options = parser.parse_args()
    for name in options.only or PARTS:
        part, trials, few = PARTS[name]
        print(f"\n{name}: {(part.__doc__ or '').strip()}")
        for line in part(few if options.quick else trials):
            print(line, flush=True)


if __name__ == "__main__":
    main()
