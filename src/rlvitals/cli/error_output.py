"""Exit codes of the commands, and the error line on standard error."""

import typer

from rlvitals.text_escaping import escape_control

EXIT_FINDINGS = 1
"""Exit code of a command that succeeded and found a problem."""
EXIT_ERROR = 2
"""Exit code of a command that failed."""


def print_error(reason: object) -> None:
    """Print an error as one line on standard error."""
    typer.echo(f"rlvitals: {escape_control(' '.join(str(reason).split()))}", err=True)
