"""One series: averages, intervals, trend, convergence, change points."""
