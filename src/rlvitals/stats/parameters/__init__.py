"""Statistics of hyperparameters and exploration: coverage, effects, best region, exploration decay."""
