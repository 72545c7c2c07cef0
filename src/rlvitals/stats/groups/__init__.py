"""Groups of runs: tests, intervals, power, profiles, survival."""
