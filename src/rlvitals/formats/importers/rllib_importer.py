"""Import of an RLlib or Ray Tune trial folder: `result.json`, `progress.csv`, `params.json`."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rlvitals.errors import ImportFormatError, RecordError
from rlvitals.formats.importers.framework_columns import is_rllib
from rlvitals.formats.importers.import_warnings import ImportWarnings, with_warnings
from rlvitals.formats.importers.importer import Imported, Importer, head_of
from rlvitals.formats.importers.json_lines import first_object, objects_of
from rlvitals.formats.importers.plain_text import first_rows, rows_of
from rlvitals.formats.importers.rllib_result import ResultReader, flattened
from rlvitals.records import Record

RESULT = "result.json"
PROGRESS = "progress.csv"
PARAMETERS = "params.json"

_MARKS = (b'"training_iteration"', b'"timesteps_total"', b'"num_env_steps_sampled_lifetime"')
_HEAD = 1 << 20


class RllibImporter(Importer):
    """Importer for the results of a trial, one per iteration, from the old and the new API stack.

    Learner statistics become updates, `hist_stats` become episodes, and all other values become scalars under their own
    names. In a folder, the importer reads `result.json`, or `progress.csv` if there is no `result.json`. The settings
    are taken from `params.json`, or from the results if that file is missing.
    """

    def recognises(self, path: Path) -> bool:
        """Return whether the keys of the first result or the columns are those of RLlib or Ray Tune."""
        return _results_in(path) is not None

    def read(self, path: Path) -> Imported:
        """Find the results. They are read lazily."""
        file = _results_in(path)
        if file is None:
            raise ImportFormatError(
                f"{path}: found no {RESULT} or {PROGRESS} with results of RLlib or Ray Tune. A result has "
                "keys such as 'training_iteration', 'timesteps_total' and 'episode_reward_mean'"
            )
        folder = file.absolute().parent
        configuration = _parameters(folder / PARAMETERS)
        if (algorithm := _algorithm(folder.name, configuration)) is not None:
            configuration["algorithm"] = algorithm
        warnings = ImportWarnings()
        records = with_warnings(_records(file, configuration, warnings), warnings, path)
        return Imported(folder.name, records, configuration=configuration)


def _results_in(path: Path) -> Path | None:
    """Return the file with the results: the path itself, or the most reliable file in a folder."""
    if path.is_dir():
        inside = sorted(path.glob("*"), key=lambda file: (file.suffix != ".json", file.name != RESULT, file.name))
        return next((file for file in inside if file.is_file() and _results_in(file)), None)
    if path.suffix.lower() == ".csv":
        rows = first_rows(path, 1)
        return path if rows and is_rllib({cell.strip() for cell in rows[0]}) else None
    if path.suffix.lower() not in {".json", ".jsonl"}:
        return None
    head = head_of(path, _HEAD)
    if not any(mark in head for mark in _MARKS):
        return None
    first = first_object(path)
    return path if first is not None and is_rllib(dict(flattened(first))) else None


def _records(file: Path, configuration: dict[str, Any], warnings: ImportWarnings) -> Iterator[Record]:
    is_table = file.suffix.lower() == ".csv"
    results = _of_table(file, warnings) if is_table else objects_of(file, warnings, "iteration")
    reader = ResultReader(file, configuration, warnings)
    for line, result in results:
        try:
            yield from reader.records(dict(flattened(result)), f"{file}, line {line}")
        except RecordError as error:
            raise ImportFormatError(f"{file}, line {line}: {error}") from None
    yield from reader.last()


def _of_table(file: Path, warnings: ImportWarnings) -> Iterator[tuple[int, dict[str, Any]]]:
    columns: list[str] = []
    for line, cells in rows_of(file):
        names = [cell.strip() for cell in cells]
        if not columns or names == columns:
            columns = names
        elif len(cells) != len(columns):
            warnings.add_row(file, line.number, line.text, "is damaged; the import leaves its iteration out")
        else:
            yield line.number, {name: _cell(text) for name, text in zip(columns, names, strict=True) if text}


def _cell(text: str) -> Any:
    """Return the number, list, bool or text in a cell."""
    if text[0] == "[":
        try:
            return json.loads(text.replace("nan", "NaN").replace("inf", "Infinity"))
        except ValueError:
            return text
    if text in {"True", "False"}:
        return text == "True"
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if math.isfinite(number) and number.is_integer() and "." not in text else number


def _parameters(file: Path) -> dict[str, Any]:
    try:
        said = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _algorithm(folder: str, configuration: Mapping[str, Any]) -> str | None:
    """Return the algorithm name, the part before the environment name in the folder name of a Tune trial."""
    environment = configuration.get("env")
    name, _, rest = folder.partition("_")
    return name if isinstance(environment, str) and environment and rest.startswith(environment) else None
