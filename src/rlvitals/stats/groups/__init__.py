"""Statistics of groups of runs: tests, intervals, power, performance profiles, survival."""
