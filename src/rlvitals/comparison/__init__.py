"""Statistical comparison of experiments, which are groups of runs.

The unit of comparison is the run. Runs with the same configuration differ only by their seed. Episodes of one run share
a policy, so they are not a sample of what another seed would give.
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
