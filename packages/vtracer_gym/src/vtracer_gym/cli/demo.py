"""``vtracer-gym demo``: train an agent on sample logos and show the results as a table and a picture."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console

from rlvitals import TrainingMonitor
from vtracer_gym.baselines import TuningSettings
from vtracer_gym.cli import session, tables
from vtracer_gym.cli.next_steps import program
from vtracer_gym.evaluation import agent_attempts
from vtracer_gym.gallery import Exhibit, gallery
from vtracer_gym.logos import split_unseen
from vtracer_gym.models import TrainingSettings
from vtracer_gym.samples import LOGO_TYPES, sample_logos

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.logo_outcomes import LogoEvaluation
    from vtracer_gym.logos import Logo
    from vtracer_gym.models import TrainedAgent


def demo(
    out: Annotated[Path, typer.Option(help="Output folder for model, runs and picture.")] = Path("demo"),
    steps: Annotated[int, typer.Option(min=1, help="Environment steps.")] = 5_000,
    samples: Annotated[int, typer.Option(min=20, help="Number of sample logos.")] = 120,
    size: Annotated[int, typer.Option(min=64, help="Longest side of a logo in pixels.")] = 128,
    processes: Annotated[int, typer.Option(min=1, help="Number of parallel environments.")] = 2,
    generations: Annotated[int, typer.Option(min=0, help="Generations for tuning the initial setting.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
) -> None:
    """Train an agent on generated sample logos, compare it with VTracer's defaults, and save a comparison picture."""
    console = Console()
    logos = sample_logos(samples, np.random.default_rng(seed), size)
    seen, unseen = split_unseen(logos, 0.2, np.random.default_rng(seed))
    console.print(
        f"[bold]{len(logos)} sample logos[/] at {size} px: {len(seen)} for training, {len(unseen)} unseen",
        highlight=False,
    )
    start = TuningSettings(generations) if generations else None
    settings = TrainingSettings(steps=steps, seed=seed, size=size, processes=processes, start=start)
    configuration = session.described("samples", seen, unseen)
    with TrainingMonitor(
        out / "logs",
        project_name=session.PROJECT,
        session_name="demo",
        configuration=configuration,
        total_timesteps=steps,
    ) as monitor:
        agent = session.monitored_training(console, seen, unseen, settings, out / "model", monitor)
        evaluations = session.measured(console, agent, unseen, seed=seed)
        session.record_evaluation(monitor, evaluations)
    tables.show(console, evaluations, settings.attempts)
    picture = out / "gallery.png"
    paint(agent, unseen, evaluations, picture)
    places = f"\nrun      {monitor.path}\nmodel    {out / 'model'}\npicture  {picture}"
    console.print(places, highlight=False, markup=False, soft_wrap=True)
    browse = shlex.join([program("rlvitals"), "ui", str(out / "logs"), "--open"])
    console.print(f"browser  {browse}", style="bold", highlight=False, markup=False, soft_wrap=True)


def paint(agent: TrainedAgent, logos: Sequence[Logo], evaluations: Sequence[LogoEvaluation], path: Path) -> None:
    """Save the picture with the first unseen logo of each type, which avoids a selection of good results."""
    settings = agent.card.settings
    exhibits = []
    for category in LOGO_TYPES:
        logo = next((logo for logo in logos if logo.category == category), None)
        if logo is not None:
            default, tried = agent_attempts(agent, logo, 1, settings.weights)
            exhibits.append(Exhibit(logo, default, tried[0]))
    path.parent.mkdir(parents=True, exist_ok=True)
    gallery(exhibits, "Traced by an agent, first try", tables.against_defaults(evaluations)).save(path)
