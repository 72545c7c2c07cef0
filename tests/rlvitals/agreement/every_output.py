"""Queries every output of the package about runs: commands, reports, digests, dashboard, notebook, Python interface."""

import json
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from rlvitals import open_run
from rlvitals.cli.main import app

from . import json_outputs, page_outputs, screen_outputs
from .made_runs import MadeRun
from .stated import Stated

Answers = dict[str, Stated]
"""Facts that each output states about one run, by name of the output."""

TEXTS = ("show", "show --full", "check", "watch", "report HTML", "report Markdown", "notebook")
"""Outputs of a run that users read."""
WITH_MONITOR = ("rise-then-dip", "one-nan", "three-episodes", "empty", "rewound", "running")
"""Runs whose monitor is also queried. It answers from its live window with the same code as a reader."""
_EVER = "500w"

_COUNTS = {"status", "episodes", "env_step"}
_SUCCESS = {"success", "success_reported"}
_RECENT = {"reward", "reward_window", "quality", *_SUCCESS}
_WAY = {"goal", "progress", "speed"}
_REPORT = {*_COUNTS, *_WAY, *_RECENT, "title", "text", "next", "health"}
_SUMMARY = {
    "episodes",
    "updates",
    "speed",
    "reward",
    "reward_not_finite",
    "quality",
    "quality_gained",
    "length",
    *_SUCCESS,
    "trend",
    "course",
}
_VITALS = {*_COUNTS, *_WAY, *_RECENT, "updates", "quality_gained", "length", "health"}
_OVERVIEW = {*_VITALS, "reward_not_finite", "trend", "course", "title", "text", "next", "tone", "condition"}
STATED: dict[str, set[str]] = {
    "ls": {*_COUNTS, *_SUCCESS, "reward"},
    "ls --json": {*_COUNTS, *_RECENT, "goal", "progress", "length", "reward_not_finite"},
    "show": _REPORT,
    "show --full": _REPORT,
    "show --full tables": {"reward", "reward_window", "trend", "course"},
    "show --json": {*_OVERVIEW, *_REPORT},
    "show --json details": _SUMMARY,
    "check": {"health", "condition"},
    "check --json": {"env_step", "health", "condition"},
    "watch": _VITALS,
    "watch --json": _OVERVIEW,
    "digest HTML": {"status", "env_step", "reward", "health", *_SUCCESS},
    "digest Markdown": {"status", "env_step", "reward", "health", *_SUCCESS},
    "report HTML": {*_REPORT, "tone"},
    "report HTML tables": {"reward", "reward_window", "trend", "course"},
    "report Markdown": _REPORT,
    "report Markdown tables": {"reward", "reward_window", "trend", "course"},
    "notebook": {*_REPORT, "tone"},
    "dashboard list": {*_COUNTS, *_WAY, *_SUCCESS, "reward"},
    "dashboard page": _OVERVIEW,
    "open_run.get_training_statistics": {"episodes", "reward", "reward_window", "quality_gained", "length", "success"},
    "open_run.get_convergence_analysis": {"trend", "course"},
    "open_run.validate_metrics": {"trend", "course", "health", "condition"},
    "open_run.create_dashboard_data": {"status", "episodes", "trend", "course", "health", "condition"},
    "open_run.overview": _OVERVIEW,
    "open_run.summary": _OVERVIEW,
    "open_run.summary details": _SUMMARY,
    "terminal line": {"episodes", "env_step", "goal", "progress", "reward", *_SUCCESS},
}
"""Minimum facts that each output states about a run with all kinds of records."""


def command(*words: object, color: bool = False) -> str:
    """Run a command of `rlvitals` in this process. Return its output into a pipe, or to a terminal with colours."""
    env = {"COLUMNS": None, "NO_COLOR": None, "FORCE_COLOR": "1" if color else None, "TERM": "xterm-256color"}
    done = CliRunner().invoke(app, [str(word) for word in words], env=env, prog_name="rlvitals")
    assert isinstance(done.exception, SystemExit | None), done.output
    return done.stdout


def _document(*words: object) -> Any:
    return json.loads(command(*words, "--json"))


class FolderOutputs:
    """Facts that the outputs of a whole folder state about each of its runs.

    Args:
        folder: Folder of runs.
        scratch: Folder for temporary files.
    """

    def __init__(self, folder: Path, scratch: Path) -> None:
        self._folder = folder
        self._scratch = scratch

    def answers(self, run: str) -> Answers:
        """Return the facts that each output states about one run."""
        return {output: by_run[run] for output, by_run in self._by_output.items()}

    @cached_property
    def texts(self) -> dict[str, str]:
        """Texts that users read, by output."""
        return {
            "ls": command("ls", self._folder),
            "digest HTML": self._digest("digest.html"),
            "digest Markdown": self._digest("digest.md"),
        }

    @cached_property
    def _by_output(self) -> dict[str, dict[str, Stated]]:
        rows = _document("ls", self._folder)["runs"]
        return {
            "ls --json": {row["run_id"]: json_outputs.overview(row) for row in rows},
            "ls": screen_outputs.list_screen(self.texts["ls"]),
            "digest HTML": page_outputs.digest_page(self.texts["digest HTML"]),
            "digest Markdown": page_outputs.digest_markdown(self.texts["digest Markdown"]),
            "dashboard list": json_outputs.dashboard_rows(self._folder),
        }

    def _digest(self, name: str) -> str:
        path = self._scratch / name
        command("report", self._folder, "--since", _EVER, "-o", path, "--no-figures")
        return path.read_text()


class RunOutputs:
    """Facts that the outputs of one run state.

    Args:
        run: Run to query.
        scratch: Folder for temporary files.
    """

    def __init__(self, run: MadeRun, scratch: Path) -> None:
        self._run = run
        self._scratch = scratch
        path = run.path
        self._outputs: dict[str, Callable[[], Answers]] = {
            "show": lambda: screen_outputs.report_screen(self.text("show")),
            "show --full": lambda: screen_outputs.report_screen(self.text("show --full")),
            "show --json": lambda: {
                "": json_outputs.overview(document := _document("show", path)),
                " details": json_outputs.summary_details(document),
            },
            "check": lambda: {"": screen_outputs.diagnosis_screen(self.text("check"))},
            "check --json": lambda: {"": json_outputs.diagnosis(_document("check", path))},
            "watch": lambda: {"": screen_outputs.vital_screen(self.text("watch"))},
            "watch --json": lambda: {"": json_outputs.overview(_document("watch", path))},
            "report HTML": lambda: page_outputs.report_page(self.text("report HTML")),
            "report Markdown": lambda: page_outputs.report_markdown(self.text("report Markdown")),
            "notebook": lambda: page_outputs.report_page(self.text("notebook")),
            "dashboard page": lambda: {"": json_outputs.overview(json_outputs.dashboard_page(path)["overview"])},
            "open_run": lambda: json_outputs.interface(open_run(path)),
        }
        if run.name in WITH_MONITOR and run.monitor is not None:
            monitor = run.monitor
            self._outputs["monitor"] = lambda: json_outputs.interface(monitor)
        if run.line.getvalue():
            self._outputs["terminal line"] = lambda: {"": screen_outputs.terminal_line(run.line.getvalue())}
        self._texts: dict[str, str] = {}

    def answers(self, *outputs: str) -> Answers:
        """Return the facts that the given outputs state, by default all."""
        return {
            output + part: stated
            for output in outputs or self._outputs
            for part, stated in self._outputs[output]().items()
        }

    def text(self, output: str) -> str:
        """Return the text that an output prints or writes, cached."""
        if output not in self._texts:
            self._texts[output] = self._asked(output)
        return self._texts[output]

    def _asked(self, output: str) -> str:
        path = self._run.path
        match output:
            case "watch":
                return command("watch", path, "--once")
            case "notebook":
                return open_run(path)._repr_html_()
            case "report HTML" | "report Markdown":
                written = self._scratch / f"{path.name}{'.html' if output.endswith('HTML') else '.md'}"
                command("report", path, "-o", written, "--no-figures")
                return written.read_text()
            case _:
                return command(*output.split(), path)
