"""The reference of JSON outputs."""

import subprocess
import sys
from pathlib import Path

from rlvitals.outputs.command_outputs import OUTPUTS, output_schema
from rlvitals.outputs.output_reference import pages

FOLDER = Path(__file__).parents[3] / "docs" / "reference" / "json-output"


def test_the_pages_are_up_to_date() -> None:
    """`docs/reference/json-output` is what the schemas make; otherwise run `make reference`."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == pages()


def test_every_object_is_described_once() -> None:
    """Each object of the schemas has one section."""
    names = {name for command in OUTPUTS for name in output_schema(command)["$defs"]} - {"Number"}
    titles = [line[3:] for text in pages().values() for line in text.splitlines() if line.startswith("## ")]

    assert sorted(titles) == sorted(names)


def test_the_module_writes_the_pages(tmp_path: Path) -> None:
    """The command of `make reference` works, without a warning."""
    command = [sys.executable, "-W", "error", "-m", "rlvitals.outputs.output_reference", str(tmp_path)]
    subprocess.run(command, check=True)

    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == pages()
