"""Selection of findings by severity and code, for reactions to them."""

from collections.abc import Iterable

from rlvitals.diagnosis.finding import RANK

SEVERITIES = tuple(sorted(RANK, key=lambda severity: RANK[severity]))


class FindingFilter:
    """Selects findings.

    Args:
        severity: Minimum severity: `info`, `warning` or `critical`.
        codes: Codes of the findings. `None` for all.

    Raises:
        ValueError: An option is invalid.
    """

    def __init__(self, severity: str, codes: Iterable[str] | None) -> None:
        if severity not in RANK:
            raise ValueError(f"severity={severity!r} is invalid; use one of {', '.join(map(repr, SEVERITIES))}")
        if isinstance(codes, str):
            raise ValueError(f"codes={codes!r}: must be a list, such as [{codes!r}]")  # noqa: TRY004 - as above
        self._rank = RANK[severity]
        self._codes = None if codes is None else frozenset(codes)

    def takes(self, severity: str | None, code: str | None) -> bool:
        """Return whether a finding is selected.

        Args:
            severity: Severity of the finding.
            code: Code of the finding.
        """
        return RANK.get(severity or "", -1) >= self._rank and (self._codes is None or code in self._codes)
