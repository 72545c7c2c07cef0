"""Statistics of a single series: averages, intervals, trend, convergence, change points."""
