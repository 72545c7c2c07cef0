"""Availability of core and optional packages."""

from importlib.util import find_spec

OPTIONAL = (
    "tensorboard",
    "wandb",
    "mlflow",
    "matplotlib",
    "plotly",
    "pandas",
    "polars",
    "pyarrow",
    "gymnasium",
    "stable_baselines3",
)
"""Optional packages, which the core does not need."""
CORE = ("numpy", "msgspec", "duckdb", "psutil", "rich", "typer")


def validate_training_monitor_installation() -> dict[str, bool]:
    """Check which core and optional packages are installed, without importing them.

    Returns:
        Whether each package is installed, by import name (`stable_baselines3`, not `stable-baselines3`).
    """
    return {name: _found(name) for name in (*CORE, *OPTIONAL)}


def _found(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # half removed, or shadowed by something that is not a package
        return False
