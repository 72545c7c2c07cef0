"""Training settings in an RL Zoo folder: `config.yml`, `args.yml`, `command.txt`, and folder names."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.yaml_mapping import mapping_in

HYPERPARAMETERS = "config.yml"
ARGUMENTS = "args.yml"
COMMAND = "command.txt"

ALGORITHMS: dict[str, str] = {
    **{name: name.upper() for name in ("a2c", "ars", "ddpg", "dqn", "ppo", "qrdqn", "sac", "td3", "tqc", "trpo")},
    "crossq": "CrossQ",
    "her": "HER",
    "ppo_lstm": "RecurrentPPO",
}
"""Class name of each RL Zoo algorithm name."""
NAMES: dict[str, str] = {"n_timesteps": "total_timesteps"}
"""Hyperparameter names that differ from the names in the Stable-Baselines3 callback."""

_SCHEDULE = re.compile(r"(?P<kind>lin|exp|const)_(?P<first>[-+.\de]+)", re.IGNORECASE)
_FOLDER = re.compile(r"(?P<environment>.+)_\d+")
_ARGUMENTS_ABOVE = {"algo", "env", "seed"}
"""Arguments that become top-level settings. Trainings that differ only in one of them belong to one experiment."""


class ZooFolder:
    """The folder of one training.

    Args:
        path: Path of the folder, such as `ppo/CartPole-v1_1` with the file `CartPole-v1/config.yml`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._folder = next((file.parent for file in sorted(_settings_files(path))), None)

    def settings(self, warnings: ImportWarnings) -> dict[str, Any]:
        """Return the settings under the names that the Stable-Baselines3 callback uses.

        Args:
            warnings: Collector for unreadable files.

        Returns:
            `algorithm`, `env_id`, `seed` and the hyperparameters, with the remaining arguments in `args`. Unknown
            settings are left out. The dict is empty if there are no RL Zoo files.
        """
        if self._folder is None:
            return {}
        arguments = mapping_in(self._folder / ARGUMENTS, warnings)
        found: dict[str, Any] = {
            "algorithm": self._algorithm(arguments),
            "env_id": arguments.get("env") or self._environment(),
            "seed": arguments.get("seed"),
        }
        for name, value in mapping_in(self._folder / HYPERPARAMETERS, warnings).items():
            found |= _hyperparameter(NAMES.get(name, name), value)
        steps = arguments.get("n_timesteps")
        if isinstance(steps, int | float) and steps > 0:  # the argument overrides config.yml
            found["total_timesteps"] = int(steps)
        others = {
            name: value for name, value in arguments.items() if name not in _ARGUMENTS_ABOVE and value is not None
        }
        return {name: value for name, value in (found | {"args": others or None}).items() if value is not None}

    def command(self) -> str:
        """Return the command line of the training, or an empty text if it is not available."""
        try:
            return (
                "" if self._folder is None else (self._folder / COMMAND).read_text(encoding="utf-8", errors="replace")
            )
        except OSError:
            return ""

    def _algorithm(self, arguments: Mapping[str, Any]) -> str | None:
        said = str(arguments.get("algo") or self._path.absolute().parent.name).lower()
        return ALGORITHMS.get(said, str(arguments["algo"]) if arguments.get("algo") else None)

    def _environment(self) -> str | None:
        if self._folder is not None and self._folder != self._path:
            return self._folder.name
        named = _FOLDER.fullmatch(self._path.absolute().name)
        return named["environment"] if named else None


def _settings_files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        for name in (HYPERPARAMETERS, ARGUMENTS):
            yield from (file for file in (path / name, *path.glob(f"*/{name}")) if file.is_file())


def _hyperparameter(name: str, value: Any) -> dict[str, Any]:
    """Return the settings of a hyperparameter.

    A schedule becomes its initial and final value; `normalize` becomes one setting per normalised quantity.
    """
    if name == "normalize":
        said = _literal(value)
        if isinstance(said, bool):
            return {"normalize_observation": said, "normalize_reward": said}
        if isinstance(said, dict):
            own = {"norm_obs": "normalize_observation", "norm_reward": "normalize_reward"}
            return {own.get(key, f"normalize.{key}"): item for key, item in said.items()}
    if isinstance(value, str) and (schedule := _SCHEDULE.fullmatch(value)) is not None:
        try:
            first = float(schedule["first"])
        except ValueError:
            return {name: value}
        return {name: first, f"{name}_final": 0.0} if schedule["kind"].lower() == "lin" else {name: first}
    if isinstance(value, float) and value.is_integer() and name == "total_timesteps":
        return {name: int(value)}
    return {name: value}


def _literal(value: Any) -> Any:
    """Evaluate a Python literal or `dict(name=literal, ...)`; return any other text unchanged."""
    if not isinstance(value, str):
        return value
    try:
        tree = ast.parse(value, mode="eval").body
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "dict" and not tree.args:
            return {str(each.arg): ast.literal_eval(each.value) for each in tree.keywords}
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return value
