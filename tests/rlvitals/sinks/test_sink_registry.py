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
    """A package that offers sinks, as an installer would leave it."""
    (tmp_path / "shelfware.py").write_text(PLUGIN)
    info = tmp_path / "shelfware-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shelfware\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(tmp_path)
    plugins.offered.cache_clear()
    yield
    plugins.offered.cache_clear()


def test_a_sink_is_itself() -> None:
    """An instance is taken as it is."""

    sink = MemorySink()
    assert make_sink(sink) is sink


def test_a_maker_makes_one() -> None:
    """A class, or anything that returns a sink, is called."""

    assert isinstance(make_sink(MemorySink), MemorySink)
    made = make_sink(lambda: MemorySink(5))
    assert isinstance(made, MemorySink)
    assert made.records.maxlen == 5


@pytest.mark.usefixtures("installed")
def test_an_installed_package_offers_one_by_name() -> None:
    """A sink of another package is found by its entry point, without being imported before it is asked for."""

    assert {"absent", "broken", "nothing", "shelf"} <= set(sink_names())
    assert type(make_sink("shelf")).__name__ == "Shelf"


@pytest.mark.usefixtures("installed")
def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """The message lists what there is."""

    with pytest.raises(SinkError, match=r"there is no sink 'shelve': installed are .*shelf") as refused:
        make_sink("shelve")
    assert ", ".join(sink_names()) in str(refused.value)


def test_with_nothing_installed_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """No list, but a word."""

    monkeypatch.setattr(plugins, "offered", lambda _: {})
    with pytest.raises(SinkError, match="there is no sink 'shelf': installed are none"):
        make_sink("shelf")


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "the sink 'broken' cannot be made: OSError: no shelf"),
        ("absent", "the sink 'absent' cannot be made: ModuleNotFoundError: No module named 'shelfware_that"),
        ("nothing", "'nothing' made a str, which is no rlvitals.sinks.Sink"),
    ],
)
def test_a_sink_that_cannot_be_made_says_why(name: str, message: str) -> None:
    """The error names the sink and the reason."""

    with pytest.raises(SinkError, match=message):
        make_sink(name)


def test_the_cause_is_attached() -> None:
    """Who wants the traceback of the sink's own error has it."""

    def missing() -> Sink:
        raise ImportError("no tensorboard")

    with pytest.raises(SinkError) as refused:
        make_sink(missing)
    assert isinstance(refused.value.__cause__, ImportError)


def test_what_is_no_maker_is_refused() -> None:
    """A number names no sink."""

    with pytest.raises(SinkError, match="the sink 5 cannot be made: TypeError: 'int' object is not callable"):
        make_sink(5)  # type: ignore[arg-type]
