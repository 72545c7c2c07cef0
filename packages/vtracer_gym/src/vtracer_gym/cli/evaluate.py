"""``vtracer-gym evaluate``: evaluate a trained model on unseen logos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from rlvitals import TrainingMonitor
from vtracer_gym.cli import session, tables
from vtracer_gym.cli.logos import gather
from vtracer_gym.cli.next_steps import DEFAULT_LOG_DIR
from vtracer_gym.errors import LogoError
from vtracer_gym.evaluation import DEFAULT_SEARCH_TRIES, check_search_tries
from vtracer_gym.models import TrainedAgent


def evaluate(
    model: Annotated[Path, typer.Option(help="Folder of a trained model.")],
    logos: Annotated[Path | None, typer.Option(help="Folder of logos, by default sample logos.")] = None,
    samples: Annotated[int, typer.Option(min=10, help="Number of sample logos if there is no folder.")] = 120,
    log_dir: Annotated[Path, typer.Option(help="Folder for the monitor's runs.")] = DEFAULT_LOG_DIR,
    size: Annotated[
        list[int] | None,
        typer.Option(min=32, help="Longest side in pixels; repeat for several sizes. Default: as in training."),
    ] = None,
    search_tries: Annotated[int, typer.Option(min=1, help="Random-search tries per logo.")] = DEFAULT_SEARCH_TRIES,
    seed: Annotated[int, typer.Option(min=0, help="Seed of random search.")] = 0,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Number of processes for the baselines, by default one per core.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for the results of each logo.")] = None,
) -> None:
    """Compare a model with VTracer, fixed settings and random search on logos that are unseen in training."""
    console = Console()
    agent = TrainedAgent.load(model)
    check_search_tries(agent.card.settings.attempts, search_tries)
    collections = gather(console, logos, samples, size or agent.card.settings.sizes)
    seen = set(agent.card.trained_on)
    by_size = {at: [logo for logo in several if logo.name not in seen] for at, several in collections.items()}
    unseen = {at: several for at, several in by_size.items() if several}
    if not unseen:
        raise LogoError("the model was trained on all of these logos. Pass at least one unseen logo")
    left_out = {logo.name for several in collections.values() for logo in several} & seen
    if left_out:
        console.print(f"{len(left_out)} training logos of the model are left out")
    with TrainingMonitor(
        log_dir,
        project_name=session.PROJECT,
        session_name=f"{model.name}-evaluation",
        configuration=session.described(
            str(logos or "samples"), (), (logo for several in unseen.values() for logo in several), unseen
        )
        | {"model": str(model)},
    ) as monitor:
        evaluations = session.evaluated(
            console, agent, unseen, monitor, search_tries=search_tries, seed=seed, processes=processes
        )
    for at, several in evaluations.items():
        tables.show(console, several, agent.card.settings.attempts, at)
    if out is not None:
        session.save_evaluations(out, evaluations)
        console.print(f"results per logo: {out}", highlight=False)
