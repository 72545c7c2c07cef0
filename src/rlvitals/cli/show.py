"""`rlvitals show [RUN]`: what a run was, and how it went."""

from typing import Any

import msgspec

from rlvitals.cli.run_arguments import LOGS, AsJson, Folder, RunName, open_named
from rlvitals.clock import SYSTEM_CLOCK
from rlvitals.render.terminal import make_screen, print_json
from rlvitals.render.terminal_portrait import print_portrait
from rlvitals.runs import Header
from rlvitals.summary.history import History, history_of
from rlvitals.summary.overview import Overview, overview_of


def show(run: RunName = None, *, folder: Folder = LOGS, as_json: AsJson = False) -> None:
    """Show what a run was, and how it went.

    Means are over the finite values; how many are not finite stands beside them.
    """
    opened = open_named(run, folder)
    header = opened.header
    overview, history = overview_of(opened), history_of(opened)
    if as_json:
        print_json(_document(overview, header, history))
    else:
        print_portrait(make_screen(), overview, header, history, now=SYSTEM_CLOCK.time())


def _document(overview: Overview, header: Header, history: History) -> dict[str, Any]:
    said = msgspec.to_builtins(header)
    kept = ("tags", "goals", "configuration", "reproduction", "writers", "failure")
    facts = msgspec.to_builtins(overview)
    return {**facts.pop("life"), **{name: said.get(name) for name in kept}, **msgspec.to_builtins(history), **facts}
