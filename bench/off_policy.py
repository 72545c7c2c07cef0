"""Alarms on made off-policy trainings: healthy ones with warm-ups and dips, and ones that stay below random actions.

    python bench/off_policy.py [--seeds 3]

Each is judged at every twentieth of its steps. Half of them name their algorithm, half log updates, half know their
budget. See `rlvitals.testing.off_policy` for the curves.
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
    """Every combination of what is known of a training, with its curve."""
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
    """The codes of all alarms at any time."""
    looks = [look / LOOKS for look in range(1, LOOKS + 1)]
    return {finding.code for share in looks for finding in diagnose(training.evidence(share)).alarms}


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    healthy = [alarms(training) for training in made(seeds, learns=True)]
    codes = Counter(code for said in healthy for code in said)
    print(f"healthy: {len(healthy)}, told an alarm at any time: {sum(map(bool, healthy))} {dict(codes)}")
    stuck = [diagnose(training.evidence()).alarms for training in made(seeds, learns=False)]
    first = Counter(found[0].code if found else "none" for found in stuck)
    print(f"below random actions: {sum(first.values())}, first alarm at the end: {dict(first)}")


if __name__ == "__main__":
    main()
