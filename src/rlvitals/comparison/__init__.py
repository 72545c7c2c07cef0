"""Comparing experiments: groups of runs, what each came to, and what may be concluded.

The unit of everything here is the run: two runs of one configuration differ by their seed, and by nothing else that
anybody chose. Episodes of one run share its policy, and are no sample of what another seed would give.
"""

from rlvitals.comparison.explanations import Divergence, HistoryRank, first_divergence, rank_in_history
from rlvitals.comparison.result import Comparison, GroupEstimates, IntervalEstimate, RunGroup, RunOutcome, Versus
from rlvitals.comparison.run_comparison import compare

__all__ = [
    "Comparison",
    "Divergence",
    "GroupEstimates",
    "HistoryRank",
    "IntervalEstimate",
    "RunGroup",
    "RunOutcome",
    "Versus",
    "compare",
    "first_divergence",
    "rank_in_history",
]
