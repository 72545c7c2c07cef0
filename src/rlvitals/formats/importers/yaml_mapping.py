"""Settings in YAML files, read without running code.

The files can contain Python tags (`!!python/object/apply:collections.OrderedDict`). They are read with PyYAML's safe
loader. Each tag becomes a plain dict, list or text; nothing is imported or called.
"""

from pathlib import Path
from typing import Any

from rlvitals.errors import MissingExtraError
from rlvitals.formats.importers.import_warnings import ImportWarnings
from rlvitals.sinks.lazy_destination import load, require

_PYTHON_TAG = "tag:yaml.org,2002:python/"
_DICT_TAGS = ("object/apply:collections.OrderedDict", "object:collections.OrderedDict")
_LARGEST = 1 << 20
_MOST_VALUES = 10_000


def mapping_in(file: Path, warnings: ImportWarnings) -> dict[str, Any]:
    """Return the settings in a YAML file, or an empty dict if the file is missing.

    Args:
        file: Path of the file.
        warnings: Collector for a file that cannot be read, and for missing PyYAML.
    """
    if not file.is_file():
        return {}
    try:
        require("yaml", feature=f"reading {file}", extra="zoo")
        return _checked(file)
    except MissingExtraError as error:
        warnings.add(f"{error}; the import leaves out the settings in {file}.", file=str(file))
    except Exception as error:  # noqa: BLE001 - PyYAML raises many exception types for a damaged file
        reason = " ".join(str(error).split())
        warnings.add(f"{file} cannot be read ({reason:.200}); the import leaves its settings out.", file=str(file))
    return {}


def _checked(file: Path) -> dict[str, Any]:
    """Return the settings in a file.

    Raises:
        ValueError: The file is too large or does not contain a mapping.
        yaml.YAMLError: The file is not valid YAML.
    """
    if file.stat().st_size > _LARGEST:
        raise ValueError(f"the file has {file.stat().st_size} bytes, and at most {_LARGEST} are allowed")
    said = _plain(_loaded(file.read_text(encoding="utf-8-sig")), [0])
    if not isinstance(said, dict):
        raise ValueError(f"expected a mapping, got {said!r:.60}")  # noqa: TRY004 - same error type as other damage
    return said


def _loaded(text: str) -> Any:
    """Parse YAML into plain objects only."""
    yaml = load("yaml")

    class PlainLoader(yaml.SafeLoader):  # type: ignore[misc, name-defined] # PyYAML has no type annotations
        """Safe loader that maps Python tags to dicts, lists and texts."""

    def plain(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            items = loader.construct_sequence(node, deep=True)
            return dict(items[0]) if suffix in _DICT_TAGS and items else {} if suffix in _DICT_TAGS else items
        return loader.construct_scalar(node) or suffix.partition(":")[2]

    PlainLoader.add_multi_constructor(_PYTHON_TAG, plain)
    return yaml.load(text, Loader=PlainLoader)


def _plain(value: Any, count: list[int]) -> Any:
    """Copy nested values so that none are shared. A limit on their number stops recursive or exploding references."""
    count[0] += 1
    if count[0] > _MOST_VALUES:
        raise ValueError(f"more than {_MOST_VALUES} values")
    if isinstance(value, dict):
        return {str(name): _plain(item, count) for name, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item, count) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)
