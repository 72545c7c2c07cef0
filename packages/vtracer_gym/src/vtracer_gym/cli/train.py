"""``vtracer-gym train``: train on logos, and evaluate on unseen logos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from vtracer_gym.baselines import TuningSettings
from vtracer_gym.cli import session, tables
from vtracer_gym.cli.live import dashboard
from vtracer_gym.cli.logos import gather
from vtracer_gym.cli.next_steps import DEFAULT_LOG_DIR, after_training, show_next
from vtracer_gym.cli.seeds import SeedJob, at_once, results, verdicts
from vtracer_gym.evaluation import DEFAULT_SEARCH_TRIES, check_search_tries
from vtracer_gym.logo_outcomes import pooled
from vtracer_gym.logos import DEFAULT_SIZE, split_unseen
from vtracer_gym.models import DEFAULT_EXPLORATION, TrainingSettings


def train(
    logos: Annotated[
        Path | None, typer.Option(help="Folder of logos with one subfolder per type; by default sample logos.")
    ] = None,
    samples: Annotated[int, typer.Option(min=10, help="Number of sample logos if there is no folder.")] = 120,
    out: Annotated[Path, typer.Option(help="Folder for the models, one per seed.")] = Path("models"),
    log_dir: Annotated[Path, typer.Option(help="Folder for the monitor's runs.")] = DEFAULT_LOG_DIR,
    steps: Annotated[int, typer.Option(min=1, help="Environment steps per training.")] = 20_000,
    seeds: Annotated[int, typer.Option(min=1, help="Number of trainings with different seeds and splits.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="First seed.")] = 0,
    size: Annotated[
        list[int] | None,
        typer.Option(min=32, help=f"Longest side in pixels; repeat for several sizes. Default: {DEFAULT_SIZE}."),
    ] = None,
    attempts: Annotated[int, typer.Option(min=1, help="Tries per unseen logo.")] = 4,
    processes: Annotated[int, typer.Option(min=1, help="Number of parallel environments.")] = 2,
    unseen: Annotated[float, typer.Option(help="Share of unseen logos per type.")] = 0.2,
    search_tries: Annotated[
        int, typer.Option(min=1, help="Random-search tries per unseen logo.")
    ] = DEFAULT_SEARCH_TRIES,
    generations: Annotated[int, typer.Option(min=0, help="Generations for tuning the initial setting.")] = 10,
    exploration: Annotated[
        int, typer.Option(min=0, help="Random attempts around that setting, before PPO starts.")
    ] = DEFAULT_EXPLORATION,
    parallel: Annotated[
        int | None,
        typer.Option(min=1, help="Number of seeds in parallel, by default limited by the number of processors."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue from the newest checkpoint in the folder.")
    ] = False,
    ui: Annotated[bool, typer.Option("--ui", help="Show the trainings live in a browser.")] = False,
) -> None:
    """Train an agent with PPO, and compare it with VTracer, fixed settings and random search on unseen logos."""
    console = Console()
    check_search_tries(attempts, search_tries)
    collections = gather(console, logos, samples, size or [DEFAULT_SIZE])
    everything = [logo for collection in collections.values() for logo in collection]
    jobs = []
    for current in range(seed, seed + seeds):
        settings = TrainingSettings(
            steps=steps,
            seed=current,
            sizes=tuple(collections),
            attempts=attempts,
            processes=processes,
            start=TuningSettings(generations) if generations else None,
            exploration=exploration,
        )
        seen, aside = split_unseen(everything, unseen, np.random.default_rng(current))
        names = {logo.name for logo in aside}
        jobs.append(
            SeedJob(
                seen=seen,
                aside={
                    at: tuple(logo for logo in collection if logo.name in names)
                    for at, collection in collections.items()
                    if any(logo.name in names for logo in collection)
                },
                settings=settings,
                folder=out / f"seed-{current}",
                log_dir=log_dir,
                session_name=f"{out.name}-seed-{current}",
                configuration=session.described(str(logos or "samples"), seen, aside, collections),
                search_tries=search_tries,
                resume=resume,
            )
        )
    found = []
    with dashboard(console, log_dir, wanted=ui):
        for one in results(console, jobs, parallel or at_once(seeds, processes)):
            console.print(f"model: {one.folder}\nrun:   {one.run}", highlight=False, markup=False, soft_wrap=True)
            found.append(one)
    for at in collections:
        console.print()
        tables.show(console, pooled([one.evaluations[at] for one in found if at in one.evaluations]), attempts, at)
    console.print()
    for sentence in verdicts(found):
        console.print(sentence, highlight=False, markup=False)
    console.print()
    show_next(console, after_training(found, logos, samples, log_dir))
