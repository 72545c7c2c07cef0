"""The table of docs/validation/vtracer.md: what an agent's first try is worth on unseen logos, for each seed and size.

    vtracer-gym train --logos FOLDER --size 128 --size 256 --unseen 0.33 --seed 3 --seeds 3 --out models
    python bench/agent_table.py models

It reads the files ``evaluation.json`` that the trainings wrote.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from vtracer_gym.baselines import COMPACT_NAME, DEFAULTS_NAME
from vtracer_gym.cli.session import load_evaluations
from vtracer_gym.intervals import Interval
from vtracer_gym.logo_outcomes import (
    BEST_PRECISION,
    EQUAL,
    FIRST_TRY,
    SURROGATE,
    TUNED,
    LogoEvaluation,
    pooled,
    reward_gain,
    summarize,
)

RIVALS = (TUNED, EQUAL, SURROGATE, BEST_PRECISION)

COLUMNS = ("seed", "size", "bytes", COMPACT_NAME, "SSIM", "x2", "worse")
NO_LEVELS = "| " * (len(COLUMNS) - 2)
"""Empty cells of a line that contains only differences."""


def shown(interval: Interval, form: str = "+.2f") -> str:
    """Return a mean with its interval."""
    return f"{interval.mean:{form}} ({interval.low:{form}} to {interval.high:{form}})"


def gains(several: list[LogoEvaluation]) -> str:
    """Return the columns of the reward differences."""
    return " | ".join(shown(reward_gain(several, FIRST_TRY, rival)) for rival in RIVALS)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, help="folder with one model per seed")
    options = parser.parse_args()
    found = {path.parent.name: load_evaluations(path) for path in sorted(options.models.glob("*/evaluation.json"))}
    if not found:
        parser.error(
            f"{options.models} has no seed-*/evaluation.json. Train agents with vtracer-gym train --out FOLDER"
        )
    print(f"| {' | '.join(COLUMNS)} | over {' | over '.join(RIVALS)} |")
    print("|---" * (len(COLUMNS) + len(RIVALS)) + "|")
    for seed, by_size in found.items():
        for size, several in by_size.items():
            agent, defaults = summarize(several, FIRST_TRY), summarize(several, DEFAULTS_NAME)
            compact = summarize(several, COMPACT_NAME)
            cells = [
                seed.removeprefix("seed-"),
                f"{size} px",
                shown(agent.byte_ratio, ".3f"),
                f"{compact.byte_ratio.mean:.3f}",
                shown(agent.quality_difference, "+.3f"),
                f"{agent.detail:.3f} ({defaults.detail:.3f})",
                f"{agent.worse} of {agent.logos}",
            ]
            print(f"| {' | '.join(cells)} | {gains(several)} |")
        both = pooled(by_size.values())
        print(f"| {seed.removeprefix('seed-')} | both {NO_LEVELS}| {gains(both)} |")
    everything = pooled(several for by_size in found.values() for several in by_size.values())
    print(f"| all | both {NO_LEVELS}| {gains(everything)} |")
    print(f"\n{len(everything)} logos")


if __name__ == "__main__":
    main()
