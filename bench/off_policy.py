"""Alarms on simulated off-policy trainings: healthy ones with warm-ups and dips, and ones below random actions.

    python bench/off_policy.py [--seeds 3]

Each training is diagnosed at every twentieth of its steps. Half of them record the algorithm, half log updates, and
half have a budget. See `rlvitals.testing.off_policy` for the curves.
"""

import argparse
import itertools
from collections import Counter
from collections.abc import Iterator

from rlvitals.diagnosis import diagnose
from rlvitals.testing.off_policy import CURVES, OffPolicyTraining

LOOKS = 20
WARM_UPS = (0.0, 0.02, 0.1, 0.25, 0.5)
DIPS = (0.0, 0.1, 0.25)


def made(seeds: int, *, learns: bool) -> Iterator[OffPolicyTraining]:
    """Yield a training for every combination of curve and available information."""
    dips = DIPS if learns else (0.0,)
    kinds = itertools.product(CURVES, WARM_UPS, dips, (True, False), (True, False), (True, False), range(seeds))
    for algorithm, warm_up, dip, configured, logs_updates, has_budget, seed in kinds:
        training = OffPolicyTraining(
            algorithm, warm_up=warm_up, dip=dip, learns=learns, configured=configured, logs_updates=logs_updates,
            seed=seed,
        )  # fmt: skip
        if not has_budget:
            training.total_timesteps = None
        yield training


def alarms(training: OffPolicyTraining) -> set[str]:
    """Return the codes of all alarms at any time."""
    looks = [look / LOOKS for look in range(1, LOOKS + 1)]
    return {finding.code for share in looks for finding in diagnose(training.evidence(share)).alarms}


def main() -> None:
    """Print the number of alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    healthy = [alarms(training) for training in made(seeds, learns=True)]
    codes = Counter(code for said in healthy for code in said)
    print(f"healthy: {len(healthy)}, with an alarm at any time: {sum(map(bool, healthy))} {dict(codes)}")
    stuck = [diagnose(training.evidence()).alarms for training in made(seeds, learns=False)]
    first = Counter(found[0].code if found else "none" for found in stuck)
    print(f"below random actions: {sum(first.values())}, first alarm at the end: {dict(first)}")


if __name__ == "__main__":
    main()
