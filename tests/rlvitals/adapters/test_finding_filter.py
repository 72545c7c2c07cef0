"""Selection of findings."""

import pytest

from rlvitals.adapters.finding_filter import SEVERITIES, FindingFilter


@pytest.mark.parametrize(("severity", "taken"), [("info", 3), ("warning", 2), ("critical", 1)])
def test_findings_of_at_least_a_severity_are_taken(severity: str, taken: int) -> None:
    """An unknown or missing severity is less than any."""
    wanted = FindingFilter(severity, None)

    assert SEVERITIES == ("info", "warning", "critical")
    assert sum(wanted.takes(one, "code") for one in (*SEVERITIES, "grave", None)) == taken


def test_only_the_listed_codes_are_taken() -> None:
    wanted = FindingFilter("info", ["plateau"])

    assert [wanted.takes("critical", code) for code in ("plateau", "non-finite", None)] == [True, False, False]


@pytest.mark.parametrize(("severity", "codes"), [("grave", None), ("info", "plateau")])
def test_an_invalid_option_is_refused(severity: str, codes: str | None) -> None:
    """A text as codes would select single letters."""
    with pytest.raises(ValueError, match=r"is invalid; use one of|must be a list, such as"):
        FindingFilter(severity, codes)
