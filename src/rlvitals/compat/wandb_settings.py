"""`wandb.config` and `wandb.summary`: settings and results by name, which are recorded when they are set."""

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from rlvitals.errors import RecordError
from rlvitals.formats.importers.folder_settings import without_wrapping
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.formats.importers.yaml_mapping import mapping_in
from rlvitals.records.coercion import shown

Recorded = Callable[[dict[str, Any]], None]


class Settings(MutableMapping[str, Any]):
    """Dict whose values are also attributes, and are recorded when they are set.

    Args:
        record: Function that records values by name.
    """

    def __init__(self, record: Recorded) -> None:
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "_values", {})

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(self._values)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            raise AttributeError(f"no value named {name!r} was set") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def update(self, values: Any = (), /, allow_val_change: bool | None = None, **more: Any) -> None:
        """Set several values: a dict, an `argparse.Namespace` or the path of a YAML file."""
        del allow_val_change
        given = {**settings_of(values), **more}
        self._values.update(given)
        self._record(given)

    def remember(self, name: str, value: Any) -> None:
        """Set a value that has been recorded already."""
        self._values[name] = value

    def setdefaults(self, values: Any) -> None:
        """Set the values that are not set yet."""
        self.update({name: value for name, value in settings_of(values).items() if name not in self._values})

    def as_dict(self) -> dict[str, Any]:
        """Return the values."""
        return dict(self._values)


def settings_of(values: Any) -> dict[str, Any]:
    """Return settings as a dict.

    Args:
        values: Dict, pairs, `argparse.Namespace` or another object with attributes, path of a YAML file, or `None`.

    Raises:
        RecordError: The value has no settings, or is the path of a file that cannot be read.
    """
    if values is None:
        return {}
    if isinstance(values, str | Path):
        warnings = ImportWarnings()
        if found := without_wrapping(mapping_in(Path(values), warnings)):
            return found
        raise RecordError(" ".join(warnings.messages) or f"config={str(values)!r} is not a YAML file with settings")
    if isinstance(values, Mapping):
        return {str(name): value for name, value in values.items()}
    if hasattr(values, "__dict__") and not isinstance(values, type):
        return {name: value for name, value in vars(values).items() if not name.startswith("_")}
    try:
        return dict(values)
    except (TypeError, ValueError):
        raise RecordError(f"config must be a dict or a namespace, got {shown(values)}") from None
