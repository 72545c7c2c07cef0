"""Simulation of power cuts: the state of a folder after a cut at any moment.

The disk watches a real folder through the calls of `os`, and notes each change, each `fsync` and each acknowledgement.
`SimulatedDisk.cut` then creates the folder as it can be after a power cut. Everything that was synced is there. Each
other sector of a file and each other change of a name is there at random. A renaming is atomic.

`fsync` can be made to fail. Pages that were not synced are then dropped, or stay readable and are never written,
although the next `fsync` succeeds.
"""

import contextlib
import errno
import os
import random
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

SECTOR = 512
PAGE = 4096
_CHANGING = (
    "write",
    "pwrite",
    "ftruncate",
    "truncate",
    "link",
    "unlink",
    "mkdir",
    "rmdir",
    "rename",
    "replace",
    "open",
)

Failing = Literal["", "dropped", "readable"]
"""Effect of a failed `fsync` on pages that are not on the disk. The empty string means that `fsync` succeeds."""
Names = dict[str, int | None]


@dataclass
class Node:
    """A file or folder, with its content on the disk and its later versions."""

    content: bytes = b""
    versions: list[bytes] = field(default_factory=list)
    clean: dict[int, bytes] = field(default_factory=dict)
    """Pages that a failed `fsync` left marked as written, by offset."""
    names: dict[str, int] = field(default_factory=dict)
    changes: list[Names] = field(default_factory=list)

    @property
    def latest(self) -> bytes:
        """Content that a reader sees while the power is on."""
        return self.versions[-1] if self.versions else self.content

    def is_dirty(self, at: int) -> bool:
        """Whether the page at an offset still has to be written."""
        return self.clean.get(at) != self.latest[at : at + PAGE]

    def take(self, kind: str, what: Any) -> None:
        """Apply one event."""
        match kind:
            case "named":
                self.changes.append(what)
            case "written":
                self.versions.append(what)
            case "forced":
                self._force()
            case "failed":  # for a folder, the next `fsync` syncs everything
                pages = range(0, len(self.latest), PAGE)
                self.clean |= {at: self.latest[at : at + PAGE] for at in pages if self._differs(at)}

    def torn(self, chance: random.Random) -> bytes:
        """Return the content after a power cut."""
        known = [self.content, *self.versions]
        size = len(chance.choice(known))
        sectors = []
        for at in range(0, size, SECTOR):
            length = min(SECTOR, size - at)
            versions = known if self.is_dirty(at // PAGE * PAGE) else known[:1]
            sectors.append(chance.choice(versions)[at : at + length].ljust(length, b"\0"))
        return b"".join(sectors)

    def left(self, chance: random.Random) -> dict[str, int]:
        """Return the names after a power cut."""
        for change in self.changes:
            if chance.random() < 0.5:
                self._rename(change)
        return self.names

    def _differs(self, at: int) -> bool:
        return self.content[at : at + PAGE] != self.latest[at : at + PAGE]

    def _force(self) -> None:
        pages = []
        for at in range(0, len(self.latest), PAGE):
            page = self.latest[at : at + PAGE]
            pages.append(page if self.is_dirty(at) else self.content[at : at + PAGE].ljust(len(page), b"\0"))
        self.clean = {at: page for at, page in self.clean.items() if not self.is_dirty(at)}
        # Content that was not written is readable until the pages are dropped.
        self.content, self.versions = b"".join(pages), [self.latest] if self.clean else []
        for change in self.changes:
            self._rename(change)
        self.changes = []

    def _rename(self, change: Names) -> None:
        for name, node in change.items():
            if node is None:
                self.names.pop(name, None)
            else:
                self.names[name] = node


class SimulatedDisk:
    """Watches a folder, and stores its changes in `events`, in order.

    Args:
        root: Folder to watch.
    """

    def __init__(self, root: Path) -> None:
        self.events: list[tuple[str, int, Any]] = []
        self.failing: Callable[[], Failing] = lambda: ""
        self._real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in _CHANGING}
        self._held: dict[int, int] = {}  # keeps each file open, so that its inode number is not reused
        self._names: dict[int, dict[str, int]] = {}
        self._contents: dict[int, bytes] = {}
        self._nodes: dict[int, Node] = {}
        self._root = self._hold(root)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch every call of this process that can change the folder."""
        calls = {name: self._watched(real) for name, real in self._real.items()}
        calls |= {"fsync": self._force, "fdatasync": self._force}
        before = {name: getattr(os, name) for name in calls}
        for name, call in calls.items():
            setattr(os, name, call)
        try:
            yield
        finally:
            for name, call in before.items():
                setattr(os, name, call)

    def acknowledge(self, what: object) -> None:
        """Note that records were reported as stored."""
        self.look()
        self.events.append(("kept", 0, what))

    def cut(self, at: int, chance: random.Random, target: Path) -> Any:
        """Create the folder as it can be after a power cut.

        Args:
            at: Number of events before the cut.
            chance: Random source.
            target: Folder to create.

        Returns:
            The last acknowledgement before the cut.
        """
        nodes = {number: Node() for number in self._held}
        kept: Any = None
        for kind, number, what in self.events[:at]:
            if kind == "kept":
                kept = what
            else:
                nodes[number].take(kind, what)
        self._make(nodes, self._root, chance, target)
        return kept

    def look(self) -> None:
        """Note the changes since the last call."""
        self._look_into(self._root)

    def _make(self, nodes: dict[int, Node], number: int, chance: random.Random, target: Path) -> None:
        self._real["mkdir"](target)
        for name, below in nodes[number].left(chance).items():
            if below in self._names:
                self._make(nodes, below, chance, target / name)
            else:
                (target / name).write_bytes(nodes[below].torn(chance))

    def _watched(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            self.look()  # changes that other code made since
            done = real(*args, **options)
            self.look()
            return done

        return call

    def _note(self, kind: str, number: int, what: Any = None) -> None:
        self.events.append((kind, number, what))
        self._nodes[number].take(kind, what)

    def _force(self, fd: int) -> None:
        self.look()
        number = os.fstat(fd).st_ino
        if number not in self._held:
            return
        failing = self.failing()
        self._note("failed" if failing else "forced", number)
        if failing == "dropped" and number in self._contents:
            self._drop(number)
        if failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _drop(self, number: int) -> None:
        """Replace the content of a file with that on the disk. Parts that never reached the disk become zeros."""
        node = self._nodes[number]
        fd = self._real["open"](f"/proc/self/fd/{self._held[number]}", os.O_WRONLY)
        self._real["pwrite"](fd, node.content.ljust(len(node.latest), b"\0"), 0)
        os.close(fd)

    def _look_into(self, number: int) -> None:
        names: dict[str, int] = {}
        with contextlib.suppress(FileNotFoundError), os.scandir(self._held[number]) as found:
            for entry in found:
                with contextlib.suppress(FileNotFoundError):
                    names[entry.name] = self._hold(Path(f"/proc/self/fd/{self._held[number]}", entry.name))
        before, self._names[number] = self._names[number], names
        for change in _changes(before, names):
            self._note("named", number, change)
        for below in names.values():
            if below in self._names:
                self._look_into(below)
                continue
            content = os.pread(self._held[below], 1 << 24, 0)
            if content != self._contents[below]:
                self._contents[below] = content
                self._note("written", below, content)

    def _hold(self, path: Path) -> int:
        seen = path.stat()
        if seen.st_ino not in self._held:
            self._held[seen.st_ino] = self._real["open"](path, os.O_RDONLY)
            self._nodes[seen.st_ino] = Node()
            if stat.S_ISDIR(seen.st_mode):
                self._names[seen.st_ino] = {}
            else:
                self._contents[seen.st_ino] = b""
        return seen.st_ino


def _changes(before: dict[str, int], after: dict[str, int]) -> Iterator[Names]:
    """Yield the changes from one listing to the next. A renamed file is one change."""
    gone = {node: name for name, node in before.items() if name not in after}
    moved = set()
    for name, node in after.items():
        if before.get(name) != node:
            old = gone.get(node)
            moved.add(old)
            yield {name: node} if old is None else {old: None, name: node}
    for name in gone.values():
        if name not in moved:
            yield {name: None}
