"""The reference of findings."""

import subprocess
import sys
from pathlib import Path

from rlvitals.diagnosis.benchmark_rates import MEASURED
from rlvitals.diagnosis.block_table import MOST_ROWS
from rlvitals.diagnosis.finding import CRITICAL, INFO, WARNING
from rlvitals.diagnosis.health import COST
from rlvitals.diagnosis.learning import FEWEST_REWARDS
from rlvitals.diagnosis.rule_reference import pages
from rlvitals.diagnosis.rules import RULES
from rlvitals.diagnosis.signals import FEWEST_UPDATES
from rlvitals.diagnosis.thresholds import thresholds_of

DOCS = Path(__file__).parents[3] / "docs"
FOLDER = DOCS / "reference" / "findings"


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


def test_the_page_about_the_diagnosis_states_the_numbers_of_the_code() -> None:
    """Its prose is written by hand, so this test fails if a constant that it states changes."""

    page = (DOCS / "concepts" / "diagnosis.md").read_text(encoding="utf-8")
    judge = next(rule.judge for rule in RULES if rule.code == "advantage-estimation")
    early, late = (thresholds_of(judge)[name] for name in ("EARLY", "NEARLY_OVER"))
    stated = (
        f"fewer than {FEWEST_REWARDS:.0f} finite rewards and fewer than {FEWEST_UPDATES} is `not judged`",
        f"at most {MOST_ROWS:,} blocks",
        f"up to {COST[CRITICAL]} for a critical one, {COST[WARNING]} for a warning and {COST[INFO]} for an `info`",
        f"Until {late} of the budget",
        f"explains nearly everything: {early}.",
        f"from {early} of the budget if the critic explains nearly everything, otherwise from {late}",
        f"looks like a constant one before {late} of the budget",
    )
    assert [text for text in stated if text not in page] == []
