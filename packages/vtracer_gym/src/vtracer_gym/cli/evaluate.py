"""``vtracer-gym evaluate``: a trained model on unseen logos."""

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
from vtracer_gym.models import TrainedAgent


def evaluate(
    model: Annotated[Path, typer.Option(help="Folder of a trained model.")],
    logos: Annotated[Path | None, typer.Option(help="Folder of logos. Without it: sample logos.")] = None,
    samples: Annotated[int, typer.Option(min=10, help="How many sample logos, where no folder is given.")] = 120,
    log_dir: Annotated[Path, typer.Option(help="Where the monitor records.")] = DEFAULT_LOG_DIR,
    size: Annotated[int | None, typer.Option(min=32, help="Longest side; by default that of the training.")] = None,
    search_tries: Annotated[int, typer.Option(min=1, help="Tries of random search on a logo.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Of random search.")] = 0,
    processes: Annotated[int, typer.Option(min=1, help="Processes for the baselines.")] = 2,
    out: Annotated[Path | None, typer.Option(help="Where to write every logo's outcomes, as JSON.")] = None,
) -> None:
    """Compare a model with VTracer's defaults and with search, on the logos that its training did not see."""
    console = Console()
    agent = TrainedAgent.load(model)
    collection = gather(console, logos, samples, size or agent.card.settings.size)
    seen = set(agent.card.trained_on)
    unseen = [logo for logo in collection if logo.name not in seen]
    if not unseen:
        raise LogoError("the model was trained on every one of these logos: there is none left to evaluate it on")
    if len(unseen) < len(collection):
        console.print(f"{len(collection) - len(unseen)} of them are left out: the model was trained on them")
    with TrainingMonitor(
        log_dir,
        project_name=session.PROJECT,
        session_name=f"{model.name}-evaluation",
        configuration={"model": str(model), "logos": str(logos)},
    ) as monitor:
        evaluations = session.measured(
            console,
            agent,
            unseen,
            search_tries=search_tries,
            seed=seed,
            processes=processes,
        )
        session.record_evaluation(monitor, evaluations, agent.card.settings.attempts)
    tables.show(console, evaluations, agent.card.settings.attempts)
    if out is not None:
        session.save_evaluations(out, evaluations)
        console.print(f"every logo: {out}", highlight=False)
