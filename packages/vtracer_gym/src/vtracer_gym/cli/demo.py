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
from vtracer_gym.conversion import Conversion
from vtracer_gym.evaluation import DEFAULT_SEARCH_TRIES, agent_attempts, check_search_tries
from vtracer_gym.gallery import Exhibit, gallery
from vtracer_gym.gallery_page import save_logo, save_page
from vtracer_gym.logos import split_unseen
from vtracer_gym.models import TrainingSettings
from vtracer_gym.pipeline import Settings
from vtracer_gym.samples import LOGO_TYPES, sample_logos
from vtracer_gym.tracing import encode_png

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vtracer_gym.logo_outcomes import LogoEvaluation
    from vtracer_gym.logos import Logo
    from vtracer_gym.models import TrainedAgent


def demo(
    out: Annotated[Path, typer.Option(help="Output folder for model, runs and pictures.")] = Path("demo"),
    steps: Annotated[int, typer.Option(min=1, help="Environment steps.")] = 2_560,
    samples: Annotated[int, typer.Option(min=20, help="Number of sample logos.")] = 120,
    size: Annotated[int, typer.Option(min=64, help="Longest side of a logo in pixels.")] = 128,
    processes: Annotated[int, typer.Option(min=1, help="Number of parallel environments.")] = 2,
    generations: Annotated[int, typer.Option(min=0, help="Generations for tuning the initial setting.")] = 8,
    exploration: Annotated[
        int, typer.Option(min=0, help="Random attempts around that setting, before PPO starts.")
    ] = 2_000,
    search_tries: Annotated[
        int, typer.Option(min=1, help="Random-search tries per unseen logo.")
    ] = DEFAULT_SEARCH_TRIES,
    seed: Annotated[int, typer.Option(min=0, help="Seed.")] = 0,
) -> None:
    """Train an agent on generated sample logos, compare it with VTracer's defaults, and save comparison pictures."""
    console = Console()
    start = TuningSettings(generations) if generations else None
    settings = TrainingSettings(
        steps=steps, seed=seed, sizes=(size,), processes=processes, start=start, exploration=exploration
    )
    check_search_tries(settings.attempts, search_tries)
    logos = sample_logos(samples, np.random.default_rng(seed), size)
    seen, unseen = split_unseen(logos, 0.2, np.random.default_rng(seed))
    console.print(
        f"[bold]{len(logos)} sample logos[/] at {size} px: {len(seen)} for training, {len(unseen)} unseen",
        highlight=False,
    )
    with TrainingMonitor(
        out / "logs",
        project_name=session.PROJECT,
        session_name="demo",
        configuration=session.described("samples", seen, unseen, [size]),
        total_timesteps=steps,
    ) as monitor:
        agent = session.monitored_training(console, seen, unseen, settings, out / "model", monitor)
        evaluations = session.measured(console, agent, unseen, search_tries=search_tries, seed=seed)
        session.record_evaluation(monitor, evaluations)
    tables.show(console, evaluations, settings.attempts, size)
    places = {"run": monitor.path, "model": out / "model", **pictures(agent, unseen, evaluations, out)}
    listed = "".join(f"\n{name:9}{path}" for name, path in places.items())
    console.print(listed, highlight=False, markup=False, soft_wrap=True)
    browse = shlex.join([program("rlvitals"), "ui", str(out / "logs"), "--open"])
    console.print(f"browser  {browse}", style="bold", highlight=False, markup=False, soft_wrap=True)


def pictures(
    agent: TrainedAgent, logos: Sequence[Logo], evaluations: Sequence[LogoEvaluation], out: Path
) -> dict[str, Path]:
    """Save the comparisons of a demo: a picture with one logo of each type, and a page with all unseen logos.

    The picture shows the first unseen logo of each type, which avoids a selection of good results.

    Returns:
        Files by kind.
    """
    tried = {logo.name: agent_attempts(agent, logo, 1, agent.card.settings.weights) for logo in logos}
    firsts = {logo.category: logo for logo in reversed(logos)}
    exhibits = [
        Exhibit(logo, default, attempts[0])
        for logo in (firsts[category] for category in LOGO_TYPES if category in firsts)
        for default, attempts in [tried[logo.name]]
    ]
    out.mkdir(parents=True, exist_ok=True)
    picture = out / "gallery.png"
    title = f"An agent's first try on {len(evaluations)} unseen logos"
    gallery(exhibits, title, tables.against_defaults(evaluations)).save(picture)
    saved = [
        save_logo(
            Conversion(attempt.svg, attempt.quality, attempt.setting, logo, default),
            out / "gallery",
            f"{logo.name}.svg",
            encode_png(logo.pixels if logo.source is None else logo.source),
        )
        for logo in logos
        for default, (attempt,) in [tried[logo.name]]
        if attempt.failure is None and isinstance(attempt.setting, Settings)
    ]
    return {"picture": picture, "page": save_page(saved, out / "gallery")}
