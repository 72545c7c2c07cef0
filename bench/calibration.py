"""Error rates and power of the statistics of single runs.

Each table simulates series with known properties and applies the functions of `rlvitals.stats`. Unless stated
otherwise, noise is AR(1) with correlation rho and variance 1, and changes are in units of its standard deviation. A
share p of r repetitions has an uncertainty of 2 sqrt(p (1 - p) / r), which is 1.4 points around 5 % at 1000
repetitions.

    python bench/calibration.py [--quick] [--only trend,power,...]
"""
# ruff: noqa: PLR2004 -- planted effects and tolerances, given in the table titles

import argparse
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.series.change_points import change_points
from rlvitals.stats.series.convergence import convergence
from rlvitals.stats.series.down_sampling import down_sample
from rlvitals.stats.series.forecast import forecast
from rlvitals.stats.series.intervals import mean_interval, rate_interval
from rlvitals.stats.series.mix_shift import mix_shift
from rlvitals.stats.series.quantiles import quantile_interval
from rlvitals.stats.series.trend import trend

Series = NDArray[np.float64]
SEED = 2026
LENGTHS = (10, 20, 50, 100, 300, 1000)
CORRELATIONS = (0.0, 0.3, 0.5, 0.7, 0.9)


def autoregressive(
    generator: np.random.Generator, runs: int, length: int, rho: float, innovations: Series | None = None
) -> Series:
    """Return stationary AR(1) series, shape `(runs, length)`. Standard normal innovations give variance 1."""
    series = generator.standard_normal((runs, length)) if innovations is None else innovations.copy()
    series *= math.sqrt(1.0 - rho * rho)
    series[:, 0] /= math.sqrt(1.0 - rho * rho)
    for t in range(1, length):
        series[:, t] += rho * series[:, t - 1]
    return series


def numbers(truths: NDArray[np.bool_]) -> Series:
    """Convert truth values to 0 and 1."""
    return truths.astype(np.float64)


def least_squares_alarms(series: Series) -> float:
    """Return the share of series with a significant least-squares slope (t test at 1.96), as a reference."""
    x = np.linspace(-1.0, 1.0, series.shape[1])
    centered = series - series.mean(axis=1, keepdims=True)
    slope = centered @ x / (x @ x)
    residual = centered - slope[:, None] * x
    error = np.sqrt((residual**2).sum(axis=1) / (series.shape[1] - 2) / (x @ x))
    return float(np.mean(np.abs(slope) > 1.96 * error))


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as Markdown."""
    print(f"\n### {title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def percent(share: float) -> str:
    """Format a share as a percentage with one decimal."""
    return f"{100.0 * share:.1f} %" if math.isfinite(share) else "-"


def trend_share(series: Series, *verdicts: str) -> float:
    """Return the share of series with one of the verdicts."""
    return sum(trend(one).verdict in verdicts for one in series) / len(series)


def trend_false_alarms(repetitions: int) -> None:
    """Measure how often noise is classified as improving or declining."""
    generator = np.random.default_rng(SEED)
    rows = []
    for length in LENGTHS:
        cells = []
        for rho in CORRELATIONS:
            series = autoregressive(generator, repetitions, length, rho)
            alarms = trend_share(series, "improving", "declining")
            cells.append(f"{percent(alarms)} ({percent(least_squares_alarms(series))})")
        rows.append([str(length), *cells])
    print_table(
        f"Trend: false alarms on AR(1) noise (in brackets: t test of a least-squares slope), {repetitions} repetitions",
        ["n", *(f"rho {rho}" for rho in CORRELATIONS)],
        rows,
    )


def trend_odd_noise(repetitions: int) -> None:
    """Measure false alarms on non-normal noise."""
    kinds: dict[str, Callable[[np.random.Generator, int], Series]] = {
        "t, 2 df": lambda g, n: g.standard_t(2, (repetitions, n)),
        "t, 2 df, rho 0.9": lambda g, n: autoregressive(g, repetitions, n, 0.9, g.standard_t(2, (repetitions, n))),
        "squared exponential, rho 0.7": lambda g, n: autoregressive(
            g, repetitions, n, 0.7, g.exponential(size=(repetitions, n)) ** 2
        ),
        "success, rho 0.9": lambda g, n: numbers(autoregressive(g, repetitions, n, 0.9) > 1.0),
        "10 % NaN, rho 0.7": lambda g, n: np.where(
            g.random((repetitions, n)) < 0.1, np.nan, autoregressive(g, repetitions, n, 0.7)
        ),
        "AR(1) 0.95 + white": lambda g, n: (
            autoregressive(g, repetitions, n, 0.95) + g.standard_normal((repetitions, n))
        ),
    }
    generator = np.random.default_rng(SEED + 1)
    rows = [
        [str(n), *(percent(trend_share(make(generator, n), "improving", "declining")) for make in kinds.values())]
        for n in LENGTHS
    ]
    print_table(f"Trend: false alarms on non-normal noise, {repetitions} repetitions", ["n", *kinds], rows)


def trend_power(repetitions: int) -> None:
    """Measure how often planted rises are classified as improving, and noise as stable."""
    shapes: dict[str, Callable[[Series], Series]] = {
        "line": lambda t: t,
        "levels off": lambda t: 1.0 - np.exp(-5.0 * t),
        "step": lambda t: numbers(t > 0.5),
    }
    planted = [("line", 1, 0.0), ("line", 3, 0.0), ("line", 3, 0.5), ("line", 3, 0.9), ("line", 10, 0.9)]
    planted += [("levels off", 3, 0.0), ("levels off", 3, 0.5), ("step", 3, 0.0), ("step", 3, 0.5)]
    generator = np.random.default_rng(SEED + 2)
    rows = []
    for length in LENGTHS:
        t = np.linspace(0.0, 1.0, length)
        cells = [
            percent(
                trend_share(autoregressive(generator, repetitions, length, rho) + by * shapes[name](t), "improving")
            )
            for name, by, rho in planted
        ]
        stable = [
            percent(trend_share(autoregressive(generator, repetitions, length, rho), "stable"))
            for rho in (0.0, 0.5, 0.9)
        ]
        rows.append([str(length), *cells, *stable])
    head = [f"{name} +{by}, rho {rho}" for name, by, rho in planted] + [
        f"noise stable, rho {r}" for r in (0.0, 0.5, 0.9)
    ]
    print_table(f"Trend: power, {repetitions} repetitions", ["n", *head], rows)


def coverage(repetitions: int) -> None:
    """Measure how often 95 % intervals contain the true value, among the intervals that were computed."""
    generator = np.random.default_rng(SEED + 3)
    rows = []
    for length in (20, 50, *LENGTHS[3:], 3000):
        for rho in (0.0, 0.5, 0.9):
            series = autoregressive(generator, repetitions, length, rho)
            cells = []
            for truth, found in (
                (0.0, [mean_interval(one) for one in series]),
                (0.308538, [rate_interval(one > 0.5) for one in series]),
                (0.0, [quantile_interval(one, 0.5) for one in series]),
                (1.281552, [quantile_interval(one, 0.9) for one in series]),
            ):
                given = [one for one in found if one.enough]
                held = float(np.mean([one.low <= truth <= one.high for one in given])) if given else math.nan
                cells.append(f"{percent(held)} of {percent(len(given) / len(found))}")
            slopes = [trend(one + np.arange(length) / length) for one in series]
            cells.append(percent(float(np.mean([one.slope_low <= 1.0 / length <= one.slope_high for one in slopes]))))
            rows.append([str(length), str(rho), *cells])
    print_table(
        f"Coverage of 95 % intervals (among the share of series with an interval), {repetitions} repetitions",
        ["n", "rho", "mean", "rate (30.9 %)", "median", "90 % quantile", "slope"],
        rows,
    )


def independent_coverage(repetitions: int) -> None:
    """Measure the coverage of the standard intervals for independent values."""
    generator = np.random.default_rng(SEED + 4)
    rows = []
    for length in (5, 10, 30, 100, 1000):
        series = generator.standard_normal((repetitions, length))
        means = [mean_interval(one, independent=True) for one in series]
        rates = [rate_interval(one > 0.5, independent=True) for one in series]
        medians = [quantile_interval(one, 0.5, independent=True) for one in series]
        cells = []
        for truth, found in ((0.0, means), (0.308538, rates), (0.0, medians)):
            given = [one for one in found if one.enough]
            held = float(np.mean([one.low <= truth <= one.high for one in given])) if given else math.nan
            cells.append(percent(held))
        rows.append([str(length), *cells])
    print_table(
        f"Coverage of 95 % intervals for independent values, {repetitions} repetitions",
        ["n", "mean (Student)", "rate (Wilson)", "median (order statistics)"],
        rows,
    )


def changes(repetitions: int) -> None:
    """Measure false alarms of change points, and the share of planted ones found within 5 % of the run."""
    generator = np.random.default_rng(SEED + 5)
    rows = []
    for length in (20, 50, 100, 300, 1000):
        noises = [autoregressive(generator, repetitions, length, rho) for rho in (0.0, 0.5, 0.9)]
        noises.append(generator.standard_t(2, (repetitions, length)))
        cells = [percent(float(np.mean([bool(change_points(one).changes) for one in noise]))) for noise in noises]
        t = np.arange(length) / length
        for by, rho in ((3.0, 0.0), (3.0, 0.5), (5.0, 0.5)):
            shape = by * (t >= 0.3) - by / 2.0 * (t >= 0.7)
            found = [change_points(one + shape) for one in autoregressive(generator, repetitions // 3, length, rho)]
            near = [
                abs(one.started / length - 0.3) <= 0.05 and abs(one.regressed / length - 0.7) <= 0.05 for one in found
            ]
            began = [abs(one.started / length - 0.3) <= 0.05 for one in found]
            cells.append(f"{percent(float(np.mean(began)))}, {percent(float(np.mean(near)))}")
        rows.append([str(length), *cells])
    print_table(
        "Change points: false alarms; share of runs with the rise found (+3 or +5 at 30 %), and with the drop "
        f"also found (-half at 70 %), within 5 % of the run; {repetitions} repetitions",
        ["n", "rho 0", "rho 0.5", "rho 0.9", "t, 2 df", "+3, rho 0", "+3, rho 0.5", "+5, rho 0.5"],
        rows,
    )


def converging(repetitions: int) -> None:
    """Classify planted curves."""
    curves: dict[str, Callable[[Series], Series]] = {
        "flat": lambda t: 0.0 * t,
        "climb of 1": lambda t: t,
        "climb of 3": lambda t: 3.0 * t,
        "climb of 10": lambda t: 10.0 * t,
        "10 (1 - exp(-t/0.1)), converged from 0.23": lambda t: 10.0 * (1.0 - np.exp(-t / 0.1)),
        "10 (1 - exp(-t/0.5)), not converged": lambda t: 10.0 * (1.0 - np.exp(-t / 0.5)),
        "step of 10 at 0.4": lambda t: 10.0 * numbers(t >= 0.4),
        "10 from 0.2, drop to 4 at 0.5": lambda t: 10.0 * numbers(t >= 0.2) - 6.0 * numbers(t >= 0.5),
        "10 t / 0.25, constant from 0.25": lambda t: 10.0 * np.minimum(1.0, t / 0.25),
    }
    generator = np.random.default_rng(SEED + 6)
    rows = []
    for name, curve in curves.items():
        for length in (100, 300, 1000):
            for rho in (0.0, 0.5, 0.9):
                shape = curve(np.linspace(0.0, 1.0, length))
                found = [convergence(one + shape) for one in autoregressive(generator, repetitions, length, rho)]
                counts = Counter(one.status for one in found)
                since = [one.since / length for one in found if one.converged]
                where = "-" if not since else "{:.2f} ({:.2f}-{:.2f})".format(*np.quantile(since, (0.5, 0.05, 0.95)))
                shares = [
                    percent(counts[status] / repetitions)
                    for status in ("converged", "flat", "improving", "declining", "not enough data")
                ]
                lost = percent(float(np.mean([math.isfinite(one.regressed) for one in found])))
                rows.append([name, str(length), str(rho), *shares, where, lost])
    print_table(
        f"Convergence, {repetitions} repetitions",
        [
            "curve",
            "n",
            "rho",
            "converged",
            "flat",
            "improving",
            "declining",
            "not enough data",
            "since (5-95 %)",
            "regressed",
        ],
        rows,
    )


def forecasting(repetitions: int) -> None:
    """Measure the share of series with a forecast, and the coverage of the 90 % intervals."""
    cases: dict[str, tuple[Callable[[Series], Series], float, float]] = {
        "5 t, target 6": (lambda t: 5.0 * t, 6.0, 1.2),
        "20 t, target 24": (lambda t: 20.0 * t, 24.0, 1.2),
        "20 (1 - exp(-2 t)), target 18.4": (lambda t: 20.0 * -np.expm1(-2.0 * t), 18.4, -0.5 * math.log(0.08)),
        "10 (1 - exp(-t/0.15)), target 11: never": (lambda t: 10.0 * -np.expm1(-t / 0.15), 11.0, math.inf),
        "noise, target 1: never": (lambda t: 0.0 * t, 1.0, math.inf),
    }
    generator = np.random.default_rng(SEED + 7)
    rows = []
    for name, (curve, target, truth) in cases.items():
        for length, rho in ((400, 0.0), (400, 0.5), (2000, 0.0), (2000, 0.5)):
            series = autoregressive(generator, repetitions, length, rho) + curve(np.arange(length) / length)
            found = [forecast(one, target, np.random.default_rng(SEED)) for one in series]
            given = [one for one in found if one.status == "forecast"]
            held = float(np.mean([one.low <= truth * length <= one.high for one in given])) if given else math.nan
            width = float(np.median([(one.high - one.low) / length for one in given])) if given else math.nan
            rows.append([name, str(length), str(rho), percent(len(given) / repetitions), percent(held), f"{width:.2f}"])
    print_table(
        f"Forecasts, {repetitions} repetitions",
        ["curve", "n", "rho", "with forecast", "coverage", "width (runs)"],
        rows,
    )


def mixing(repetitions: int) -> None:
    """Classify changes when the mix drifts from 80:20 to 20:80 between types that differ by two standard deviations."""
    generator = np.random.default_rng(SEED + 8)
    rows = []
    for length in (100, 400, 2000):
        for rho in (0.0, 0.7):
            for name, gap, gain in (("mix only", 2.0, 0.0), ("skill +1, hidden", -4.0, 1.0), ("neither", 0.0, 0.0)):
                counts: Counter[str] = Counter()
                for one in autoregressive(generator, repetitions, length, rho):
                    easier = generator.random(length) < np.linspace(0.2, 0.8, length)
                    values = one + gap * easier + np.linspace(0.0, gain, length)
                    counts[mix_shift(values, np.where(easier, "simple", "complex")).verdict] += 1
                said = ", ".join(f"{verdict} {percent(k / repetitions)}" for verdict, k in counts.most_common())
                rows.append([name, str(length), str(rho), said])
    print_table(f"Skill or mix, {repetitions} repetitions", ["truth", "n", "rho", "verdicts"], rows)


def timing(repetitions: int) -> None:
    """Measure the median time per call in milliseconds of processor time, because the machine can be shared."""
    generator = np.random.default_rng(SEED + 9)
    functions: dict[str, Callable[[Series], object]] = {
        "trend": trend,
        "change_points": change_points,
        "convergence": convergence,
        "mean_interval": mean_interval,
        "down_sample": down_sample,
    }
    rows = []
    for name, function in functions.items():
        cells = []
        for length in (100, 1000, 1_000_000):
            series = generator.standard_normal(length)
            function(series)
            taken = []
            for _ in range(max(3, min(repetitions, 20))):
                start = time.process_time()
                function(series)
                taken.append(time.process_time() - start)
            cells.append(f"{1000.0 * float(np.median(taken)):.1f}")
        rows.append([name, *cells])
    print_table("Milliseconds per call", ["function", "n = 100", "n = 1000", "n = 1,000,000"], rows)


TABLES: dict[str, tuple[Callable[[int], None], int, int]] = {
    "trend": (trend_false_alarms, 1000, 100),
    "odd": (trend_odd_noise, 500, 50),
    "power": (trend_power, 300, 30),
    "coverage": (coverage, 400, 40),
    "independent": (independent_coverage, 2000, 200),
    "changes": (changes, 300, 30),
    "convergence": (converging, 60, 6),
    "forecast": (forecasting, 60, 6),
    "mix": (mixing, 100, 10),
    "timing": (timing, 20, 3),
}


def main() -> None:
    """Print the selected tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="run a tenth of the repetitions")
    parser.add_argument("--only", default=",".join(TABLES), help=f"comma-separated tables: {', '.join(TABLES)}")
    arguments = parser.parse_args()
    for name in arguments.only.split(","):
        table, many, few = TABLES[name]
        table(few if arguments.quick else many)


if __name__ == "__main__":
    main()
