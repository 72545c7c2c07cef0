"""The monitor's dashboard during a training."""

import contextlib
import http.client
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from vtracer_gym.cli.live import dashboard


def status(port: int) -> int:
    """Return the HTTP status of the server at a port."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("GET", "/")
        return connection.getresponse().status


def port_in(screen: io.StringIO) -> int:
    """Return the port of the printed address."""
    found = re.search(r"http://127\.0\.0\.1:(\d+)/", screen.getvalue())
    assert found is not None, screen.getvalue()
    return int(found[1])


def test_the_dashboard_runs_during_the_training(tmp_path: Path) -> None:
    """The address is printed, and the server stops after the training."""
    screen = io.StringIO()
    with dashboard(Console(file=screen, width=200), tmp_path / "logs", wanted=True):
        port = port_in(screen)
        assert status(port) == 200
    with pytest.raises(ConnectionRefusedError):
        status(port)


def test_the_dashboard_stops_after_a_failed_training(tmp_path: Path) -> None:
    """The server stops, and the error of the training is raised."""
    screen = io.StringIO()
    with pytest.raises(ZeroDivisionError), dashboard(Console(file=screen, width=200), tmp_path, wanted=True):
        raise ZeroDivisionError
    with pytest.raises(ConnectionRefusedError):
        status(port_in(screen))


def test_without_the_dashboard_nothing_is_started(tmp_path: Path) -> None:
    """There is no folder, no process and no output."""
    screen = io.StringIO()
    with dashboard(Console(file=screen), tmp_path / "logs", wanted=False):
        pass
    assert (screen.getvalue(), (tmp_path / "logs").exists()) == ("", False)
