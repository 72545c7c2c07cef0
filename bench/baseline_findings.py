"""Error rates of the findings about baselines and about a gain that has stopped, on made trainings.

python bench/baseline_findings.py [--quick] [--only baselines|gain]

Items have a standard deviation of 1 and single results another one, so a gain of 0.3 is hard to see without pairing.
Returns have noise with a standard deviation of 1, independent or AR(1) with a correlation of 0.7.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from rlvitals.diagnosis import diagnose
from rlvitals.diagnosis.finding import WARNING
from rlvitals.testing.trainings import MadeTraining

Column = NDArray[np.float64]
BASELINES = 8
CODES = ("below-baseline", "not-better-than-baseline")


def evaluated(seed: int, items: int, gain: float) -> Counter[str]:
    """Return the findings, and the warnings, for a policy that exceeds eight equal baselines by a gain."""
    made = MadeTraining(seed=seed)
    level = made.generator.standard_normal(items)
    for place in range(BASELINES):
        made.evaluate(f"baseline {place}", level + made.generator.standard_normal(items))
    made.evaluate(None, level + gain + made.generator.standard_normal(items))
    findings = diagnose(made.evidence()).findings
    found = Counter(finding.code for finding in findings)
    return found + Counter(f"{finding.code} {WARNING}" for finding in findings if finding.severity == WARNING)


def baselines(trials: int) -> Iterator[str]:
    """Share of trainings with each finding, by the gain of the policy over eight baselines that are equally good."""
    yield f"| gain | items | worse than a baseline | not better | neither | ({trials} trainings each)"
    for gain in (-0.5, 0.0, 0.5, 1.0):
        for items in (24, 120):
            found = [evaluated(seed, items, gain) for seed in range(trials)]
            shares = [sum(one[code] for one in found) / trials for code in CODES]
            neither = sum(not any(one[code] for code in CODES) for one in found) / trials
            yield f"| {gain} | {items} | " + " | ".join(f"{100 * share:.0f} %" for share in (*shares, neither)) + " |"


def noise(draws: np.random.Generator, count: int, rho: float) -> Column:
    """Return noise with a standard deviation of 1 and an autocorrelation."""
    steps: Column = draws.standard_normal(count) * np.sqrt(1.0 - rho * rho)
    steps[0] = draws.standard_normal()
    for at in range(1, count):
        steps[at] += rho * steps[at - 1]
    return steps


CURVES: dict[str, Callable[[Column], Column]] = {
    "rises to the end": lambda at: at,
    "rises until 75 %": lambda at: np.minimum(at / 0.75, 1.0),
    "rises until 40 %": lambda at: np.minimum(at / 0.4, 1.0),
    "saturates, time constant 30 %": lambda at: 1.0 - np.exp(-at / 0.3),
    "saturates, time constant 10 %": lambda at: 1.0 - np.exp(-at / 0.1),
    "level, then rises from 60 %": lambda at: np.maximum(at - 0.6, 0.0) / 0.4,
}
"""Expected return by the used share of the budget, in units of the total gain."""


def gain(trials: int) -> Iterator[str]:
    """Share of trainings in which the gain is reported as stopped, and the gain of the last half in noise units."""
    yield f"| returns | gain | of it in the last half | independent noise | correlation 0.7 | ({trials} trainings each)"
    for name, curve in CURVES.items():
        for size in (3.0, 10.0):
            shares = []
            for rho in (0.0, 0.7):
                stopped = 0
                for seed in range(trials):
                    made = MadeTraining(updates=200, seed=seed)
                    at = made.episodes_along
                    reward = size * curve(at) + noise(made.generator, at.size, rho)
                    made.set("episodes", reward=reward).set("evaluations", reward=None)
                    stopped += "gain-stopped" in {finding.code for finding in diagnose(made.evidence()).findings}
                shares.append(f"{100 * stopped / trials:.0f} %")
            ends = curve(np.array([0.5, 1.0]))
            yield f"| {name} | {size:g} | {size * (ends[1] - ends[0]):.1f} | {' | '.join(shares)} |"


PARTS = {"baselines": (baselines, 200, 2), "gain": (gain, 50, 2)}


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
