from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np

from vtracer_gym.cli.next_steps import after_training
from vtracer_gym.cli.seeds import SeedResult
from vtracer_gym.logo_outcomes import LogoEvaluation


def result(seed: int) -> SeedResult:
    evaluation = LogoEvaluation("text/my logo.png", "text", {}, np.zeros(1))
    return SeedResult(Path(f"models/seed-{seed}"), Path.cwd() / f"logs/models-seed-{seed}", {128: [evaluation]})


def words(command: str) -> list[str]:
    """Split a command like a shell, with only the name of the program."""
    program, *rest = shlex.split(command)
    return [Path(program).name, *rest]


def test_after_one_training() -> None:
    """The commands show the run, evaluate the model and trace an unseen logo; names with spaces are quoted."""
    commands = after_training([result(0)], Path("my logos"), 120, Path("logs"))

    assert [words(command) for command in commands] == [
        ["rlvitals", "show", "logs/models-seed-0"],
        ["vtracer-gym", "evaluate", "--model", "models/seed-0", "--logos", "my logos", "--log-dir", "logs"],
        ["vtracer-gym", "trace", "my logos/text/my logo.png", "-o", "my logo.svg", "--model", "models/seed-0"],
    ]


def test_after_several_trainings() -> None:
    """After several trainings, there is also a command that compares the runs."""
    commands = after_training([result(0), result(1)], None, 40, Path("logs/vtracer_gym"))

    assert [words(command) for command in commands[1:3]] == [
        ["rlvitals", "compare", "logs/vtracer_gym/models-seed-0", "logs/vtracer_gym/models-seed-1"],
        ["vtracer-gym", "evaluate", "--model", "models/seed-0", "--samples", "40"],
    ]
