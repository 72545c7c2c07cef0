"""How a command ends: its exit code, and the line that says why it failed."""

import typer

from rlvitals.text_escaping import escape_control

EXIT_FINDINGS = 1
"""Exit code of a command that did its work, and whose answer is bad."""
EXIT_ERROR = 2
"""Exit code of a command that could not do its work."""


def print_error(reason: object) -> None:
    """Print one line on standard error that says why something could not be done."""
    typer.echo(f"rlvitals: {escape_control(' '.join(str(reason).split()))}", err=True)
