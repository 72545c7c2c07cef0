"""Output about the files and folders that a command wrote."""

from pathlib import Path
from typing import Any

from rlvitals.formatting import counted
from rlvitals.render.terminal import TITLE, make_screen
from rlvitals.text_escaping import escape_control


def print_written(path: Path) -> None:
    """Print the path and the size in bytes, and for a folder also the number of files."""
    screen = make_screen()
    screen.print(escape_control(str(path)), end="  ", style=TITLE)
    inside = f" in {counted(len(_files(path)), 'file')}" if path.is_dir() else ""
    screen.print(f"{counted(written_facts(path)['bytes'], 'byte')}{inside}")


def written_facts(path: Path) -> dict[str, Any]:
    """Return the absolute path and the size in bytes, for `--json`."""
    return {"path": str(path.absolute()), "bytes": sum(file.stat().st_size for file in _files(path))}


def _files(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
