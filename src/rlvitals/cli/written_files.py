"""Output about the files and folders that a command wrote."""

from pathlib import Path

from rlvitals.formatting import counted
from rlvitals.outputs.report_output import files_at, written_file
from rlvitals.render.terminal import TITLE, make_screen
from rlvitals.text_escaping import escape_control


def print_written(path: Path) -> None:
    """Print the path and the size in bytes, and for a folder also the number of files."""
    screen = make_screen()
    screen.print(escape_control(str(path)), end="  ", style=TITLE)
    inside = f" in {counted(len(files_at(path)), 'file')}" if path.is_dir() else ""
    screen.print(f"{counted(written_file(path).bytes, 'byte')}{inside}")
