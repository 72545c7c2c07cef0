"""Statistics of the parameter values that were tried: coverage, effects, best region, exploration decay."""
