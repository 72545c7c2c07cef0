"""What of the optional packages is installed."""

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
"""Packages that something here needs, and nothing in the core."""
CORE = ("numpy", "msgspec", "duckdb", "psutil", "rich", "typer")


def validate_training_monitor_installation() -> dict[str, bool]:
    """Say of each package, the core's and the optional ones, whether it is installed. Nothing is imported.

    Returns:
        The names that are imported (`stable_baselines3`, not `stable-baselines3`), each with whether it was found.
    """
    return {name: _found(name) for name in (*CORE, *OPTIONAL)}


def _found(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # half removed, or replaced by something that is no package
        return False
