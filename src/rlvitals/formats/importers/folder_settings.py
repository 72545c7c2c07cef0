"""Settings of a training from the files next to its logs, and from the name of its folder."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlvitals.formats.importers.column_mapping import columns_in
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.yaml_mapping import mapping_in
from rlvitals.formats.importers.zoo_folder import ALGORITHMS
from rlvitals.formatting import listed

_JSON = ("config.json", "variant.json", "params.json", "args.json")
_YAML = ("config.yaml", "config.yml")
_TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
"""Suffixes of files that can be tables of another training."""
_SHOWN = 5
_HYDRA = ".hydra/config.yaml"
_HYDRA_ABOVE = 3
"""Number of folders above the logs that are searched for Hydra's settings."""

_CLEANRL = re.compile(r"(?P<env_id>.+)__(?P<exp_name>.+)__(?P<seed>\d+)__\d{9,}")
"""Folder name of a CleanRL training: environment, script, seed and start time."""
_SB3 = re.compile(r"(?P<algorithm>\w+)_\d+")
"""Folder name of the event files of a Stable-Baselines3 training: algorithm and number."""


def settings_files(folder: Path) -> list[Path]:
    """Return the files with settings of the training in a folder, the most reliable first."""
    above = [folder, *folder.parents][:_HYDRA_ABOVE]
    files = [folder / name for name in _JSON] + [place / _HYDRA for place in above] + [folder / name for name in _YAML]
    return [file for file in files if file.is_file()]


def settings_of(folder: Path, warnings: ImportWarnings) -> dict[str, Any]:
    """Return the settings of the training in a folder. Unknown settings are left out.

    They come from the first readable settings file of a framework, of Hydra or of W&B, and from the folder name of
    CleanRL and Stable-Baselines3.

    Args:
        folder: Folder of the logs.
        warnings: Collector for unreadable files.
    """
    folder = folder.absolute()
    found = next((settings for file in settings_files(folder) if (settings := _settings_in(file, warnings))), {})
    return settings_in_name(folder.name) | found


def settings_of_table(file: Path, warnings: ImportWarnings) -> dict[str, Any]:
    """Return the settings of the training with a table. Files with settings are used if there is no other table.

    Args:
        file: Path of the table.
        warnings: Collector for unreadable files, and for settings that could belong to another table.
    """
    folder = file.absolute().parent
    endings = _TABLES | {file.suffix.lower()}
    tables = [each for each in sorted(folder.iterdir()) if each.suffix.lower() in endings and each.name not in _JSON]
    others = [each.name for each in tables if each.name != file.name and len(columns_in(each)) > 1]
    if not others:
        return settings_of(folder, warnings)
    if found := [each.name for each in settings_files(folder)]:
        warnings.add(
            f"{file}: the settings are unknown, because {listed(found)} can belong to this table or to "
            f"{listed(others, _SHOWN)}. Move each table and its settings to a separate folder, and import it again.",
            files=found,
        )
    return settings_in_name(folder.name)


def settings_in_name(name: str) -> dict[str, Any]:
    """Return the settings in the name of a folder, or an empty dict."""
    if (named := _CLEANRL.fullmatch(name)) is not None:
        script = named["exp_name"].partition("_")[0]
        algorithm = ALGORITHMS.get(script, named["exp_name"])
        return {**named.groupdict(), "seed": int(named["seed"]), "algorithm": algorithm}
    named = _SB3.fullmatch(name)
    return named.groupdict() if named is not None and named["algorithm"] in ALGORITHMS.values() else {}


def _settings_in(file: Path, warnings: ImportWarnings) -> dict[str, Any]:
    if file.suffix != ".json":
        return without_wrapping(mapping_in(file, warnings))
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        warnings.add(f"{file} cannot be read ({error}); the import leaves its settings out.", file=str(file))
        return {}
    return found if isinstance(found, dict) else {}


def without_wrapping(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings in a file of W&B, which wraps each value in a dict; other settings are unchanged."""
    wrapped = {name: value for name, value in settings.items() if name != "_wandb"}
    if wrapped and all(isinstance(value, dict) and "value" in value for value in wrapped.values()):
        return {name: value["value"] for name, value in wrapped.items()}
    return dict(settings)
