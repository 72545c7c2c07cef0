"""``vtracer-gym trace``: trace a logo as an SVG."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from vtracer_gym.attempts import Attempt, PreparedLogo
from vtracer_gym.errors import TraceError
from vtracer_gym.evaluation import agent_attempts
from vtracer_gym.gallery import kilobytes
from vtracer_gym.logos import load_logo
from vtracer_gym.models import TrainedAgent

if TYPE_CHECKING:
    from vtracer_gym.logos import Logo

TRACE_SIZE = 1024


def trace(
    logo: Annotated[Path, typer.Argument(help="Image file: PNG, JPEG or WebP.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="SVG file to write.")],
    model: Annotated[
        Path | None, typer.Option(help="Folder of a trained model, by default VTracer's defaults.")
    ] = None,
    tries: Annotated[int, typer.Option(min=1, help="Number of tries. The best one is written.")] = 1,
    size: Annotated[int, typer.Option(min=32, help="Maximum length of the longest side in pixels.")] = TRACE_SIZE,
) -> None:
    """Trace a logo with the parameters that a trained agent chooses.

    If the agent's trace does not earn a higher training reward than VTracer's defaults, the command writes the trace
    with the defaults and reports this.
    """
    console = Console()
    image = load_logo(logo, size=size)
    default, chosen = _traced(image, None if model is None else TrainedAgent.load(model), tries)
    try:
        out.write_text(chosen.svg, encoding="utf-8")
    except FileNotFoundError:
        raise TraceError(f"{out} cannot be written: {out.parent} does not exist. Create this folder first") from None
    console.print(f"{out}: {kilobytes(chosen.size_bytes)}, SSIM {chosen.quality:.4f}", highlight=False)
    if model is not None:
        said = f"{kilobytes(default.size_bytes)}, SSIM {default.quality:.4f}"
        console.print(f"VTracer's defaults: {said}", highlight=False)
        if chosen is default:
            console.print("[yellow]the agent's trace is not better; wrote the trace with VTracer's defaults[/]")
    settings = "  ".join(f"{name}={value:g}" for name, value in chosen.parameters.as_dict().items())
    console.print(settings, style="dim", highlight=False)


def _traced(logo: Logo, agent: TrainedAgent | None, tries: int) -> tuple[Attempt, Attempt]:
    """Return the trace with VTracer's defaults, and the best of this trace and the agent's traces."""
    if agent is None:
        default = PreparedLogo(logo).default
        return default, default
    weights = agent.card.settings.weights
    default, tried = agent_attempts(agent, logo, tries, weights)
    return default, max([default, *tried], key=lambda attempt: weights.reward(attempt, default))
