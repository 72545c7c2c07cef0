"""Opening late, and packages that may be missing."""

import sys
from pathlib import Path

import pytest

from rlvitals.errors import MissingExtraError, SinkError
from rlvitals.sinks import MlflowSink, TensorBoardSink, WandbSink, make_sink
from rlvitals.sinks.lazy_destination import Opening, require
from rlvitals.testing.manual_clock import ManualClock


class Door:
    """Opens when it is no longer locked."""

    def __init__(self) -> None:
        self.locked = True
        self.tried = 0

    def open(self) -> str:
        self.tried += 1
        if self.locked:
            raise OSError("locked")
        return "room"


def test_it_is_opened_once() -> None:
    """And not before it is wanted."""

    door = Door()
    door.locked = False
    opening = Opening(door.open)
    assert (door.tried, opening.value) == (0, None)
    assert (opening.get(), opening.get(), door.tried) == ("room", "room", 1)


def test_a_failure_is_not_tried_again_at_once() -> None:
    """What is asked for meanwhile fails for the same reason, quickly; after a minute it is tried again."""

    door, clock = Door(), ManualClock()
    opening = Opening(door.open, retry_s=60.0, clock=clock)
    with pytest.raises(SinkError, match="cannot be opened: OSError: locked"):
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
    """When the sink is made: the message is the command that helps, and passes through `make_sink`."""

    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"needs the package '{module}'\. .*pip install 'rlvitals\[{extra}\]'"):
        kind()
    with pytest.raises(SinkError, match=rf"rlvitals\[{extra}\]"):
        make_sink(kind)


def test_a_folder_of_that_name_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B leaves a folder `wandb` in the working directory, which Python would take for a package."""

    (tmp_path / "trackerware").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MissingExtraError):
        require("trackerware", feature="It", extra="it")
