"""How a command says that something could not be done."""

import typer

from rlvitals.text_escaping import escape_control

TROUBLE = 2
"""Exit code when something could not be done; 1 says that it was done, and that the answer is bad."""


def print_error(reason: object) -> None:
    """Say on standard error, in one line, why something could not be done."""
    typer.echo(f"rlvitals: {escape_control(' '.join(str(reason).split()))}", err=True)
