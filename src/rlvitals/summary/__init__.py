"""Facts about a run for every output: status, speed, levels, trends, successes, baselines and verdict."""
