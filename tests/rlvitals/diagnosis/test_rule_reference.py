"""The rule reference as a page."""

from pathlib import Path

from rlvitals.diagnosis.benchmark_rates import MEASURED
from rlvitals.diagnosis.rule_reference import reference
from rlvitals.diagnosis.rules import RULES

PAGE = Path(__file__).parents[3] / "docs" / "diagnosis.md"


def test_the_page_is_up_to_date() -> None:
    """`docs/diagnosis.md` is the generated rule reference.

    To update it: python -m rlvitals.diagnosis.rule_reference > docs/diagnosis.md
    """

    assert PAGE.read_text(encoding="utf-8") == reference()


def test_every_rule_is_in_the_reference_with_its_rates() -> None:
    """Every rule has a heading and measured rates."""

    headings = [line for line in reference().splitlines() if line.startswith("### ")]
    assert headings == [f"### `{code}`" for code in sorted(rule.code for rule in RULES)]
    assert set(MEASURED) == {rule.code for rule in RULES}
