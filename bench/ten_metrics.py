"""An update with ten metrics, for the benchmarks that time updates."""

METRICS = {
    "policy_loss": -0.0123,
    "value_loss": 0.5123,
    "entropy": 1.3123,
    "kl_divergence": 0.0123,
    "learning_rate": 3e-4,
    "gradient_norm": 0.4321,
    "clip_fraction": 0.1234,
    "explained_variance": 0.8765,
    "clip_range": 0.2,
    "loss": 0.2345,
}
