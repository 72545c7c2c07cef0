"""Calls of a function when a module is imported for the first time."""

import importlib.util
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_log = logging.getLogger("rlvitals")


class ImportWatch(MetaPathFinder):
    """Import hook that calls a function right after each of some modules has been executed.

    Args:
        names: Names of the modules.
        imported: Function to call with the name of a module. Its errors are logged and never reach the import.
    """

    def __init__(self, names: Iterable[str], imported: Callable[[str], None]) -> None:
        self._names = set(names)
        self._searching: set[str] = set()
        self._imported = imported
        sys.meta_path.insert(0, self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a watched module with the other finders, and wrap its loader."""
        del path, target
        if fullname not in self._names or fullname in self._searching:
            return None
        self._searching.add(fullname)
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._searching.discard(fullname)
        if spec is not None and spec.loader is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _WatchedLoader(spec.loader, self)
        return spec

    def imported(self, name: str) -> None:
        """Call the function for a module, once."""
        if name not in self._names:
            return
        self._names.discard(name)
        if not self._names and self in sys.meta_path:
            sys.meta_path.remove(self)
        try:
            self._imported(name)
        except Exception:  # noqa: BLE001 - the import of the user's program must succeed
            _log.warning("autolog: %s could not be attached", name, exc_info=True)


class _WatchedLoader(Loader):
    """Loader that executes a module with its own loader, and then reports it."""

    def __init__(self, loader: Loader, watch: ImportWatch) -> None:
        self._loader = loader
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        """Return what the own loader of the module has, such as `get_data` for `pkgutil`."""
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._watch.imported(module.__name__)
