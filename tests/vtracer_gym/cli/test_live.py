"""The monitor's dashboard beside a training."""

import contextlib
import http.client
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from vtracer_gym.cli.live import dashboard


def status(port: int) -> int:
    """What the server at a port answers."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/")
        return connection.getresponse().status


def port_in(screen: io.StringIO) -> int:
    """The port of the address that was printed."""
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", screen.getvalue())
    assert found is not None, screen.getvalue()
    return int(found[1])


def test_it_is_there_for_as_long_as_the_training(tmp_path: Path) -> None:
    """Its address is printed; in the end the server is gone."""
    screen = io.StringIO()
    with dashboard(Console(file=screen, width=200), tmp_path / "logs", wanted=True):
        port = port_in(screen)
        assert status(port) == 200
    with pytest.raises(ConnectionRefusedError):
        status(port)


def test_it_is_gone_after_a_training_that_failed(tmp_path: Path) -> None:
    """The error is the training's own."""
    screen = io.StringIO()
    with pytest.raises(ZeroDivisionError), dashboard(Console(file=screen, width=200), tmp_path, wanted=True):
        raise ZeroDivisionError
    with pytest.raises(ConnectionRefusedError):
        status(port_in(screen))


def test_it_costs_nothing_if_it_is_not_wanted(tmp_path: Path) -> None:
    """No folder, no process, no word."""
    screen = io.StringIO()
    with dashboard(Console(file=screen), tmp_path / "logs", wanted=False):
        pass
    assert (screen.getvalue(), (tmp_path / "logs").exists()) == ("", False)
