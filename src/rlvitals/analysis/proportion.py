"""A share of a count, and where it lies."""

import math
from typing import NamedTuple

from rlvitals.analysis.student import normal_quantile


class Share(NamedTuple):
    """A share and its interval, all 0 to 1; NaN where nothing was counted."""

    share: float
    low: float
    high: float


def wilson(count: int, total: int, confidence: float = 0.95) -> Share:
    """Wilson's score interval of a share (Wilson 1927, Journal of the American Statistical Association 22).

    `(p + z^2/2n +- z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n)`, with `z` the normal quantile.

    Args:
        count: How many have what is counted.
        total: Of how many.
        confidence: Two-sided.
    """
    if total <= 0:
        return Share(float("nan"), float("nan"), float("nan"))
    z = normal_quantile(0.5 + 0.5 * confidence)
    share = count / total
    centre, shrunk = share + z * z / (2 * total), 1.0 + z * z / total
    reach = z * math.sqrt(share * (1.0 - share) / total + z * z / (4 * total * total))
    low, high = max(0.0, (centre - reach) / shrunk), min(1.0, (centre + reach) / shrunk)
    return Share(share, 0.0 if count == 0 else low, 1.0 if count == total else high)
