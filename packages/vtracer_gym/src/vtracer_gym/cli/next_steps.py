"""Suggested next commands, ready to copy."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from vtracer_gym.cli.seeds import SeedResult

DEFAULT_LOG_DIR = Path("logs/vtracer_gym")


def program(name: str) -> str:
    """Return the command for a program of this installation: its name if it is on the PATH, otherwise its path."""
    own = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if found is not None and Path(found).resolve() == own.resolve():
        return name
    return min(str(own), os.path.relpath(own), key=len)


def after_training(found: Iterable[SeedResult], logos: Path | None, samples: int, log_dir: Path) -> list[str]:
    """Return commands that show the trainings, evaluate the first model again and use it.

    Args:
        found: Results of the trainings.
        logos: Folder of logos; None for sample logos.
        samples: Number of sample logos.
        log_dir: Folder of runs.
    """
    results = list(found)
    first = results[0]
    model = ["--model", str(first.folder)]
    unseen = next(iter(first.evaluations.values()))[0].logo
    image = Path("LOGO.png") if logos is None else logos / unseen
    runs = [str(log_dir / one.run.name) for one in results]
    evaluate = ["evaluate", *model, *(["--samples", str(samples)] if logos is None else ["--logos", str(logos)])]
    if log_dir != DEFAULT_LOG_DIR:
        evaluate += ["--log-dir", str(log_dir)]
    commands = [[program("rlvitals"), "show", runs[0]]]
    if len(runs) > 1:
        commands.append([program("rlvitals"), "compare", *runs])
    commands.append([program("vtracer-gym"), *evaluate])
    commands.append([program("vtracer-gym"), "trace", str(image), "-o", f"{image.stem}.svg", *model])
    return [shlex.join(command) for command in commands]


def show_next(console: Console, commands: Iterable[str]) -> None:
    """Print each command on one line, regardless of the terminal width."""
    console.print("next:")
    for command in commands:
        console.print(f"  {command}", highlight=False, markup=False, soft_wrap=True)
