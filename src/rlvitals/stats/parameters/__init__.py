"""Parameters that were tried: coverage, effects, best region, exploration decay."""
