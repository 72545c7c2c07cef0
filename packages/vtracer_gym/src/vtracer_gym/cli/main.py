"""Entry point of ``vtracer-gym``."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from vtracer_gym.cli.demo import demo
from vtracer_gym.cli.evaluate import evaluate
from vtracer_gym.cli.trace import trace
from vtracer_gym.cli.train import train
from vtracer_gym.errors import VtracerGymError

app = typer.Typer(
    help="Train an agent to choose VTracer's parameters: smaller SVGs that look better.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(train)
app.command()(evaluate)
app.command()(trace)
app.command()(demo)

USAGE_ERROR = 2


def main() -> None:
    """Run a command. Errors that the user can fix are printed on one line, with exit code 2."""
    try:
        app()
    except (VtracerGymError, ValueError, OSError) as error:
        Console(stderr=True).print(f"[bold red]error:[/] {_plain(error)}", highlight=False, soft_wrap=True)
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        Console(stderr=True).print("stopped")
        sys.exit(130)


def _plain(error: BaseException) -> str:
    text = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) and error.filename else str(error)
    return text.replace("[", r"\[")
