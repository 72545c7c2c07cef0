"""``vtracer-gym trace``: one logo into one SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.errors import TraceError
from vtracer_gym.evaluation import agent_attempts
from vtracer_gym.gallery import kilobytes
from vtracer_gym.logos import load_logo
from vtracer_gym.training import TrainedAgent

TRACE_SIZE = 1024


def trace(
    logo: Annotated[Path, typer.Argument(help="The image: PNG, JPEG or WebP.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The SVG to write.")],
    model: Annotated[Path | None, typer.Option(help="Folder of a trained model. Without it: the defaults.")] = None,
    tries: Annotated[int, typer.Option(min=1, help="Tries; the best one is kept.")] = 1,
    size: Annotated[int, typer.Option(min=32, help="Longest side to trace at; larger images are shrunk.")] = TRACE_SIZE,
) -> None:
    """Trace a logo with the parameters that a trained agent chooses.

    The agent looks at the logo in the size that it was trained with; its parameters are then used at full size. Where
    the agent's trace is worse than that of VTracer's defaults, the defaults' is written instead, and this is said.
    """
    console = Console()
    prepared = PreparedLogo(load_logo(logo, size=size))
    default = prepared.default
    chosen = default if model is None else _chosen(TrainedAgent.load(model), logo, prepared, tries)
    if chosen.failure is not None:
        raise TraceError(f"{logo}: {chosen.failure}")
    try:
        out.write_text(chosen.svg, encoding="utf-8")
    except FileNotFoundError:
        raise TraceError(f"{out} cannot be written: {out.parent} does not exist") from None
    console.print(f"{out}: {kilobytes(chosen.size_bytes)}, SSIM {chosen.quality:.4f}", highlight=False)
    if model is not None:
        console.print(
            f"VTracer's defaults: {kilobytes(default.size_bytes)}, SSIM {default.quality:.4f}", highlight=False
        )
        if chosen is default:
            console.print("[yellow]the agent did no better here: this is the trace of VTracer's defaults[/]")
    settings = "  ".join(f"{name}={value:g}" for name, value in chosen.parameters.as_dict().items())
    console.print(settings, style="dim", highlight=False)


def _chosen(agent: TrainedAgent, path: Path, prepared: PreparedLogo, tries: int) -> Attempt:
    settings = agent.card.settings
    small = load_logo(path, size=settings.size)
    _, tried = agent_attempts(agent, small, tries, settings.weights)
    attempts = [prepared.default, *(prepared.attempt(attempt.parameters) for attempt in tried)]
    return max(attempts, key=lambda attempt: settings.weights.reward(attempt, prepared.default))
