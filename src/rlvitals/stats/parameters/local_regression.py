"""Joint fit of curves over all parameters, within windows of neighbouring rows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rlvitals.stats.parameters.neighbour_windows import Windows
from rlvitals.stats.parameters.parameter_columns import ParameterColumn
from rlvitals.stats.parameters.sign_flips import ParameterQuestion
from rlvitals.stats.parameters.spline_basis import Basis, basis_of

COARSE_KNOTS = {7: 4, 5: 3, 3: 3}
"""Number of knots per parameter in an interaction, by the number of knots of its curve, which include them."""
ROUNDING = 1e-9
_ROWS_A_COLUMN = 5
_AMPLE_ROWS_A_COLUMN = 50
_LEAST_LEFT = 0.05


class Others(NamedTuple):
    """Columns that a response is regressed on, and the spectrum of their Gram matrix.

    Attributes:
        columns: Columns, shape `(n, k)`.
        values: Eigenvalues of `columns' columns`, shape `(k,)`.
        vectors: Eigenvectors, shape `(k, k)`.
    """

    columns: NDArray[np.float64]
    values: NDArray[np.float64]
    vectors: NDArray[np.float64]

    @property
    def inverse(self) -> NDArray[np.float64]:
        """Pseudo-inverse of the Gram matrix, shape `(k, k)`."""
        sound = np.abs(self.values) > ROUNDING * np.abs(self.values).max(initial=0.0)
        inverse: NDArray[np.float64] = (self.vectors[:, sound] / self.values[sound]) @ self.vectors[:, sound].T
        return inverse


class Fit(NamedTuple):
    """Columns of all parameters within windows, ready for regression.

    Attributes:
        tried: Parameters, with rows in the windows' order.
        bases: Spline basis of each parameter.
        windows: Windows of the rows.
        columns: Columns of all bases and their missing-value indicators, minus the mean of each window, shape `(n, p)`.
        gram: Gram matrix `columns' columns`, shape `(p, p)`.
        inverse: Pseudo-inverse of the Gram matrix, shape `(p, p)`.
        own: Slice of each parameter's columns, without its missing-value indicator.
        freedom: Number of rows minus number of windows.
        knots: Number of knots of each curve.
    """

    tried: list[ParameterColumn]
    bases: list[Basis]
    windows: Windows
    columns: NDArray[np.float64]
    gram: NDArray[np.float64]
    inverse: NDArray[np.float64]
    own: list[slice]
    freedom: int
    knots: int

    def coefficients(self, response: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the coefficients of a centred response, shape `(n, ...)`, on all columns, shape `(p, ...)`."""
        fitted: NDArray[np.float64] = self.inverse @ (self.columns.T @ response)
        return fitted

    def others(self, without: slice = slice(0, 0)) -> Others:
        """Return all columns except `without`. Its decomposition takes most of the time, so use it repeatedly."""
        kept = np.delete(np.arange(self.columns.shape[1]), without)
        values, vectors = np.linalg.eigh(self.gram[np.ix_(kept, kept)])
        return Others(self.columns[:, kept], values, vectors)

    def residual(self, response: NDArray[np.float64], others: Others | None = None) -> NDArray[np.float64]:
        """Return the residual of a centred response, shape `(n, ...)`, on all columns, or on the given others."""
        columns, inverse = (self.columns, self.inverse) if others is None else (others.columns, others.inverse)
        left: NDArray[np.float64] = response - columns @ (inverse @ (columns.T @ response))
        # Set rounding errors to zero, so that they are not ranked or used as divisors.
        left[np.abs(left) < ROUNDING * np.abs(response).max(initial=0.0)] = 0.0
        return left

    def question(
        self, columns: NDArray[np.float64], left: NDArray[np.float64], grown: NDArray[np.float64]
    ) -> ParameterQuestion:
        """Return the hypothesis that columns explain none of a residual.

        Both must be residuals on the same other columns.

        Args:
            columns: Residual columns, shape `(n, k)`.
            left: Residual of the response, shape `(n,)`.
            grown: The same residual corrected by `unshrunk`, shape `(n,)`.
        """
        return ParameterQuestion(
            total=columns.T @ left,
            scores=self.windows.cluster_sums(columns * grown[:, None]),
            metric=inverse_of(columns.T @ columns),
        )

    def unshrunk(self, left: NDArray[np.float64], others: Others) -> NDArray[np.float64]:
        """Return residuals on other columns corrected to the size of the noise, `(I - H_c)^(-1/2) e_c` in each cluster.

        A regression overfits, so its residuals are too small by the cluster's leverage `H_c` (CR2: Bell and McCaffrey
        2002, Survey Methodology 28). With 50 rows per column the effect is one percent, and no correction is made.
        """
        values = others.values
        if self.freedom > _AMPLE_ROWS_A_COLUMN * values.size:
            return left
        sound = values > ROUNDING * max(float(values.max(initial=0.0)), 1.0)
        directions = others.columns @ (others.vectors[:, sound] / np.sqrt(values[sound]))
        grown = left.copy()
        sizes = np.diff(np.append(self.windows.clusters, left.size))
        for size in np.unique(sizes).tolist():  # clusters of one size are decomposed together
            rows = self.windows.clusters[sizes == size][:, None] + np.arange(size)
            u, leverage, _ = np.linalg.svd(directions[rows], full_matrices=False)
            growth = 1.0 / np.sqrt(np.maximum(1.0 - leverage**2, _LEAST_LEFT)) - 1.0
            along = np.einsum("cnk,cn->ck", u, left[rows])
            grown[rows] += np.einsum("cnk,ck->cn", u, growth * along)
        return grown


def fitted(tried: list[ParameterColumn], windows: Windows) -> Fit:
    """Lay out the parameters' curves, with as many knots as there are rows for: five rows per column."""
    freedom = windows.order.size - windows.starts.size
    affordable = freedom / (_ROWS_A_COLUMN * len(tried))
    knots = next((knots for knots in COARSE_KNOTS if knots - 1 <= affordable), min(COARSE_KNOTS))
    bases = [basis_of(column, knots) for column in tried]
    parts = [part for basis in bases for part in (basis.columns, basis.gaps)]
    columns = windows.centred(np.concatenate(parts, axis=1))
    edges = np.cumsum([0, *(part.shape[1] for part in parts)]).tolist()
    own = [slice(edges[2 * i], edges[2 * i + 1]) for i in range(len(tried))]
    gram = columns.T @ columns
    return Fit(tried, bases, windows, columns, gram, inverse_of(gram), own, freedom, knots)


def share_of(
    columns: NDArray[np.float64],
    response: NDArray[np.float64],
    whole: NDArray[np.float64],
    freedom: int,
    unexplained: NDArray[np.float64] | None = None,
) -> float:
    """Return the share of a sum of squares that columns explain, minus the share expected by chance.

    `(SS - k s^2) / SS_whole`, with `k` the rank of the columns and `s^2 = (SS_response - SS) / (freedom - k)` (epsilon
    squared: Kelley 1935, PNAS 21).

    Args:
        columns: Columns, shape `(n, k)`.
        response: Response to explain, shape `(n,)`.
        whole: Response whose sum of squares is the denominator, shape `(n,)`.
        freedom: Degrees of freedom of the response.
        unexplained: Residual for the noise variance, shape `(n,)`; by default that of the columns.
    """
    total = float(whole @ whole)
    gram = columns.T @ columns
    rank = int(np.linalg.matrix_rank(gram, tol=ROUNDING * max(columns.shape[0], 1), hermitian=True)) if gram.size else 0
    if not total > 0.0 or freedom <= rank:
        return 0.0
    projected = columns.T @ response
    explained = float(projected @ inverse_of(gram) @ projected)
    rest = float(response @ response) - explained if unexplained is None else float(unexplained @ unexplained)
    return (explained - rank * max(rest, 0.0) / (freedom - rank)) / total


def less(response: NDArray[np.float64], columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the residual of a response on columns."""
    if not columns.shape[1]:
        return response
    left: NDArray[np.float64] = response - columns @ (inverse_of(columns.T @ columns) @ (columns.T @ response))
    return left


def inverse_of(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the pseudo-inverse of a symmetric positive semi-definite matrix."""
    inverse: NDArray[np.float64] = np.linalg.pinv(gram, rcond=ROUNDING, hermitian=True).astype(np.float64)
    return inverse
