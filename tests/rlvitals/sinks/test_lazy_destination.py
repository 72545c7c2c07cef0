"""Opening of a destination on first use, and optional packages."""

import sys
from pathlib import Path

import pytest

from rlvitals.errors import MissingExtraError, SinkError
from rlvitals.sinks import MlflowSink, TensorBoardSink, WandbSink, make_sink
from rlvitals.sinks.lazy_destination import Opening, require
from rlvitals.testing.manual_clock import ManualClock


class Door:
    """Destination that can be opened when it is not locked."""

    def __init__(self) -> None:
        self.locked = True
        self.tried = 0

    def open(self) -> str:
        self.tried += 1
        if self.locked:
            raise OSError("locked")
        return "room"


def test_it_is_opened_once() -> None:
    """It is not opened before the first use."""

    door = Door()
    door.locked = False
    opening = Opening(door.open)
    assert (door.tried, opening.value) == (0, None)
    assert (opening.get(), opening.get(), door.tried) == ("room", "room", 1)


def test_a_failed_open_is_not_retried_immediately() -> None:
    """Calls within a minute fail immediately with the same reason, and the first call after it retries."""

    door, clock = Door(), ManualClock()
    opening = Opening(door.open, retry_s=60.0, clock=clock)
    with pytest.raises(SinkError, match="cannot open the destination: OSError: locked"):
        opening.get()
    door.locked = False
    clock.advance(59.0)
    with pytest.raises(SinkError, match="still not open: locked"):
        opening.get()
    clock.advance(1.0)
    assert (opening.get(), door.tried) == ("room", 2)


@pytest.mark.parametrize(
    ("kind", "module", "extra"),
    [
        (TensorBoardSink, "tensorboard", "tensorboard"),
        (TensorBoardSink, "google_crc32c", "tensorboard"),
        (WandbSink, "wandb", "wandb"),
        (MlflowSink, "mlflow", "mlflow"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(
    kind: type[TensorBoardSink | WandbSink | MlflowSink], module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is raised when the sink is created, includes the install command, and is kept by `make_sink`."""

    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"needs the package '{module}'\. .*pip install 'rlvitals\[{extra}\]'"):
        kind()
    with pytest.raises(SinkError, match=rf"rlvitals\[{extra}\]"):
        make_sink(kind)


def test_a_folder_with_the_name_of_a_package_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B leaves a folder `wandb` in the working directory, which Python finds as a namespace package."""

    (tmp_path / "trackerware").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError):
        require("trackerware", feature="It", extra="it")
