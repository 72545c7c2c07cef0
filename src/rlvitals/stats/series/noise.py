"""Linear regression of learning curves with autocorrelated noise of unknown correlation.

The noise of a learning curve is not independent, because a policy stays good or bad for a while. The autocorrelation
time has to be estimated from the data, and a short series contains little information about it. A single estimate of
the autocorrelation is therefore not reliable. Instead, this module uses a family of noise models (`FAMILIES`):
first-order autoregressions with coefficients from 0 to 0.99, some of them with an equal amount of added white noise.
Generalised least squares gives an exact Student t distribution under each model. These distributions are averaged with
the posterior probabilities of the models:

    y = X b + s e,  e ~ N(0, C_k),   C_k = (1 - w_k) rho_k^|i-j| + w_k [i = j]
    b | k  ~  t_nu(b_k, v_k RSS_k / nu),  nu = m - p
    weight_k  ~  prior_k |C_k|^(-1/2) |X' C_k^-1 X|^(-1/2) RSS_k^(-nu/2)

This is the posterior under the flat reference prior on `b` and `log s` (Zellner 1971, An Introduction to Bayesian
Inference in Econometrics, ch. 3-4; Berger, De Oliveira and Sanso 2001, JASA 96, for the correlation). Location and
scale are equivariant, so the intervals have exact coverage on average over the prior. For short series, the prior
favours strong correlation (`log_prior`). Its strength is calibrated for at most 5 % false alarms up to rho = 0.9
(`bench/calibration.py`). Weighting the nuisance parameter so that a test is valid in its worst case follows Elliott,
Mueller and Watson (2015, Econometrica 83).
"""

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.series.student_t import normal_quantile, student_t_cdf, student_t_density

# (correlation of neighbouring blocks, share of white noise in the variance)
FAMILIES: tuple[tuple[float, float], ...] = (
    *((rho, 0.0) for rho in (0.0, 0.2, 0.4, 0.6, 0.75, 0.85, 0.92, 0.97, 0.99)),
    *((rho, 0.5) for rho in (0.6, 0.75, 0.85, 0.92, 0.97)),
)
_RHO = np.array([rho for rho, _ in FAMILIES])
_WHITE = np.array([white for _, white in FAMILIES])
_SMALLEST_RESIDUAL = 1e-13  # relative to the size of the series; smaller residuals are rounding errors


class Mixture(NamedTuple):
    """Distribution of one number: a mixture of Student t distributions, one per noise family.

    Attributes:
        centers: Estimate under each family, shape `(k,)`, in the units of the number.
        scales: Standard error under each family, shape `(k,)`, same units.
        weights: Probability of each family, shape `(k,)`, summing to 1.
        degrees_of_freedom: Degrees of freedom, equal for all families.
    """

    centers: NDArray[np.float64]
    scales: NDArray[np.float64]
    weights: NDArray[np.float64]
    degrees_of_freedom: int

    @property
    def mean(self) -> float:
        """The estimate, `sum weight_k center_k`."""
        return float(self.weights @ self.centers)

    def below(self, value: float) -> float:
        """Return the probability that the number is below `value`."""
        standardised = (value - self.centers) / self.scales
        return float(self.weights @ student_t_cdf(standardised, self.degrees_of_freedom))

    def quantile(self, probability: float) -> float:
        """Return the value with `below(value) = probability`.

        It is found by Newton's method, safeguarded by bisection.
        """
        reach = 4.0
        while self.below(self._end(-reach)) > probability or self.below(self._end(reach)) < probability:
            reach *= 4.0
        low, high = self._end(-reach), self._end(reach)
        tolerance = 1e-10 * (high - low)
        value = min(max(self.mean + normal_quantile(probability) * float(self.weights @ self.scales), low), high)
        for _ in range(100):
            standardised = (value - self.centers) / self.scales
            excess = float(self.weights @ student_t_cdf(standardised, self.degrees_of_freedom)) - probability
            if excess < 0.0:
                low = value
            else:
                high = value
            slope = float(self.weights @ (student_t_density(standardised, self.degrees_of_freedom) / self.scales))
            following = value - excess / slope if slope > 0.0 else high
            if not low < following < high:
                following = 0.5 * (low + high)
            step, value = abs(following - value), following
            if step <= tolerance:
                break
        return value

    def _end(self, scales: float) -> float:
        ends = self.centers + scales * self.scales
        return float(ends.max() if scales > 0 else ends.min())


class Regression(NamedTuple):
    """Least-squares fit under every noise family.

    Attributes:
        coefficients: Coefficients under each family, shape `(k, p)`.
        covariances: Covariances of the coefficients, shape `(k, p, p)`.
        variances: Noise variance of one block, shape `(k,)`.
        weights: Probability of each family, shape `(k,)`.
        evidence: Log marginal likelihood of the series, summed over the families, up to a constant that depends only on
            the length and the number of columns.
        degrees_of_freedom: `m - p`.
    """

    coefficients: NDArray[np.float64]
    covariances: NDArray[np.float64]
    variances: NDArray[np.float64]
    weights: NDArray[np.float64]
    evidence: float
    degrees_of_freedom: int

    def combination(self, contrast: NDArray[np.float64]) -> Mixture:
        """Return the distribution of `contrast @ coefficients`, for a contrast of shape `(p,)`."""
        variances = np.einsum("i,kij,j->k", contrast, self.covariances, contrast)
        return Mixture(self.coefficients @ contrast, np.sqrt(variances), self.weights, self.degrees_of_freedom)

    def draws(self, count: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Return `count` joint draws of all coefficients (multivariate t within a family), shape `(count, p)`."""
        family = generator.choice(self.weights.size, size=count, p=self.weights)
        factors = np.linalg.cholesky(self.covariances)[family]
        normal = generator.standard_normal((count, self.coefficients.shape[1]))
        stretch = np.sqrt(self.degrees_of_freedom / generator.chisquare(self.degrees_of_freedom, size=count))
        drawn: NDArray[np.float64] = self.coefficients[family] + stretch[:, None] * np.einsum(
            "cij,cj->ci", factors, normal
        )
        return drawn


def regress(response: NDArray[np.float64], columns: NDArray[np.float64], observations: int) -> Regression:
    """Regress a series of block means on columns, under every noise family.

    Args:
        response: Block means, shape `(m,)`, at approximately equal intervals in time, scaled to about 1.
        columns: Regressors, shape `(m, p)`, of full rank, `p < m`.
        observations: Number of values that were averaged in blocks, `n >= m`; it sets the prior.
    """
    length, width = columns.shape
    q, inverse, log_volume = _factors(np.ascontiguousarray(columns).tobytes(), length)
    scaled = whitened(response[:, None])[:, :, 0]
    projected = np.einsum("kmp,km->kp", q, scaled)
    residual = scaled - np.einsum("kmp,kp->km", q, projected)
    squares = np.einsum("km,km->k", residual, residual)
    squares = np.maximum(squares, (_SMALLEST_RESIDUAL**2) * np.einsum("km,km->k", scaled, scaled) + 1e-300)
    freedom = length - width
    log_weights = log_prior(observations, length) - log_volume - 0.5 * freedom * np.log(squares)
    top = float(log_weights.max())
    weights = np.exp(log_weights - top)
    return Regression(
        coefficients=np.einsum("kij,kj->ki", inverse, projected),
        covariances=np.einsum("kij,klj->kil", inverse, inverse) * (squares / freedom)[:, None, None],
        variances=squares / freedom,
        weights=weights / weights.sum(),
        evidence=top + math.log(float(weights.sum())),
        degrees_of_freedom=freedom,
    )


def whitened(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns whitened under each family: `L_k^-1 X`, shape `(k, m, p)`.

    The noise in the whitened columns is independent with variance 1.

    Args:
        columns: Columns, shape `(m, p)`.
    """
    columns_of_each: NDArray[np.float64] = _whiteners(columns.shape[0])[0] @ columns
    return columns_of_each


def log_prior(observations: int, blocks: int) -> NDArray[np.float64]:
    """Return the normalised log prior weight of each family, shape `(k,)`.

    `a rho - 2 [w > 0]`, with `a = 140 / n - 0.3 - 1.5 [n > m]`. A short series cannot distinguish a trend from slow
    noise, so its prior favours slow noise. The blocks of a long series are nearly independent, so its prior does not.

    Args:
        observations: Number of values in the series, `n`.
        blocks: Number of block means, `m`.
    """
    lean = 140.0 / observations - 0.3 - 1.5 * (observations > blocks)
    logs = lean * _RHO - 2.0 * (_WHITE > 0.0)
    top = float(logs.max())
    normalised: NDArray[np.float64] = logs - top - math.log(float(np.exp(logs - top).sum()))
    return normalised


@lru_cache(maxsize=64)
def correlations(length: int) -> NDArray[np.float64]:
    """Return the correlation matrices `C_k` of all families, shape `(k, length, length)`, read-only."""
    distance = np.abs(np.subtract.outer(np.arange(length), np.arange(length)))
    smooth = np.where(distance == 0, 1.0, _RHO[:, None, None] ** np.maximum(distance, 1))
    matrices: NDArray[np.float64] = (1.0 - _WHITE)[:, None, None] * smooth
    matrices += _WHITE[:, None, None] * np.eye(length)
    matrices.flags.writeable = False
    return matrices


@lru_cache(maxsize=64)
def _whiteners(length: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the inverse Cholesky factors of the `C_k`, and half the log determinants."""
    factors = np.linalg.cholesky(correlations(length))
    log_determinants = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
    inverses = np.linalg.inv(factors)
    inverses.flags.writeable = False
    return inverses, log_determinants


@lru_cache(maxsize=64)
def _factors(columns: bytes, length: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return Q, the inverse of R, and `log(|C_k|^(1/2) |X' C_k^-1 X|^(1/2))` of the whitened columns, for each family.

    The result is cached because series of equal length often use the same columns.
    """
    q, r = np.linalg.qr(whitened(np.frombuffer(columns).reshape(length, -1)))
    _, log_determinants = _whiteners(length)
    log_volume = log_determinants + np.log(np.abs(np.diagonal(r, axis1=1, axis2=2))).sum(axis=1)
    return q, np.linalg.inv(r), log_volume
