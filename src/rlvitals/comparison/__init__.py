"""Comparing experiments: groups of runs, what each came to, and what may be concluded.

The unit of everything here is the run: two runs of one configuration differ by their seed, and by nothing else that
anybody chose. Episodes of one run share its policy, and are no sample of what another seed would give.
"""

from rlvitals.comparison.comparing import compare
from rlvitals.comparison.result import Comparison, Estimates, Group, Range, RunOutcome, Versus
from rlvitals.comparison.why import Parting, Placed, against_history, parting

__all__ = [
    "Comparison",
    "Estimates",
    "Group",
    "Parting",
    "Placed",
    "Range",
    "RunOutcome",
    "Versus",
    "against_history",
    "compare",
    "parting",
]
