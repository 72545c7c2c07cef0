"""Sinks by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rlvitals import plugins
from rlvitals.errors import SinkError
from rlvitals.sinks import MemorySink, Sink, make_sink, sink_names

PLUGIN = """
from rlvitals.sinks import MemorySink

class Shelf(MemorySink):
    '''A sink of another package.'''

def no_sink():
    return 'a shelf'

def broken():
    raise OSError('no shelf')
"""
ENTRY_POINTS = """
[rlvitals.sinks]
shelf = shelfware:Shelf
nothing = shelfware:no_sink
broken = shelfware:broken
absent = shelfware_that_is_not_there:Shelf
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make an installed package with sinks available."""
    (tmp_path / "shelfware.py").write_text(PLUGIN)
    info = tmp_path / "shelfware-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelfware\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    plugins.offered.cache_clear()
    yield
    plugins.offered.cache_clear()


def test_a_sink_instance_is_used_unchanged() -> None:
    """`make_sink` returns the instance."""

    sink = MemorySink()
    assert make_sink(sink) is sink


def test_a_callable_creates_a_sink() -> None:
    """A class, or any callable that returns a sink, is called."""

    assert isinstance(make_sink(MemorySink), MemorySink)
    made = make_sink(lambda: MemorySink(5))
    assert isinstance(made, MemorySink)
    assert made.records.maxlen == 5


@pytest.mark.usefixtures("installed")
def test_a_sink_of_an_installed_package_is_found_by_name() -> None:
    """It is found by its entry point, and imported on first use."""

    assert {"absent", "broken", "nothing", "shelf"} <= set(sink_names())
    assert type(make_sink("shelf")).__name__ == "Shelf"


@pytest.mark.usefixtures("installed")
def test_the_error_for_an_unknown_name_lists_the_installed_sinks() -> None:
    """The message has the unknown name and all installed names."""

    with pytest.raises(SinkError, match=r"unknown sink 'shelve'\. Installed sinks: .*shelf") as refused:
        make_sink("shelve")
    assert ", ".join(sink_names()) in str(refused.value)


def test_the_error_without_installed_sinks_lists_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the word none instead of a list."""

    monkeypatch.setattr(plugins, "offered", lambda _: {})
    with pytest.raises(SinkError, match=r"unknown sink 'shelf'\. Installed sinks: none\."):
        make_sink("shelf")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "cannot create the sink 'broken': OSError: no shelf"),
        ("absent", "cannot create the sink 'absent': ModuleNotFoundError: No module named 'shelfware_that"),
        ("nothing", "'nothing' returned a str; must be an rlvitals.sinks.Sink"),
    ],
)
def test_the_error_for_a_sink_that_cannot_be_created_has_the_reason(name: str, message: str) -> None:
    """The message has the name of the sink and the error."""

    with pytest.raises(SinkError, match=message):
        make_sink(name)


def test_the_cause_is_attached() -> None:
    """The original exception of the sink is the cause of the error."""

    def missing() -> Sink:
        raise ImportError("no tensorboard")

    with pytest.raises(SinkError) as refused:
        make_sink(missing)
    assert isinstance(refused.value.__cause__, ImportError)


def test_a_value_that_is_neither_a_sink_nor_a_callable_is_rejected() -> None:
    """A number is an example."""

    with pytest.raises(SinkError, match="cannot create the sink 5: TypeError: 'int' object is not callable"):
        make_sink(5)  # type: ignore[arg-type]
