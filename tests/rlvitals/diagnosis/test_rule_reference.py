"""The reference of findings."""

import subprocess
import sys
from pathlib import Path

from rlvitals.diagnosis.benchmark_rates import MEASURED
from rlvitals.diagnosis.rule_reference import pages
from rlvitals.diagnosis.rules import RULES

FOLDER = Path(__file__).parents[3] / "docs" / "reference" / "findings"


def test_the_pages_are_up_to_date() -> None:
    """`docs/reference/findings` is what the rules make; otherwise run `make reference`."""

    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == pages()


def test_every_rule_has_a_page_and_rates() -> None:
    """A finding can be linked to, and its rates are measured."""

    assert pages().keys() == {"index.md"} | {f"{rule.code}.md" for rule in RULES}
    assert set(MEASURED) == {rule.code for rule in RULES}


def test_the_module_writes_the_pages(tmp_path: Path) -> None:
    """The command of `make reference` works, without a warning."""

    command = [sys.executable, "-W", "error", "-m", "rlvitals.diagnosis.rule_reference", str(tmp_path)]
    subprocess.run(command, check=True)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == pages()
