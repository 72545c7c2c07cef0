"""The JSON output of every command matches its schema, for runs of many kinds."""

import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.cli.main import COMMANDS, app
from rlvitals.outputs.command_outputs import OUTPUTS, output_schema
from rlvitals.records import STREAMS

from .made_runs import LENGTH, RunWriter, noisy, train

NO_DOCUMENT = {"schema": "prints a JSON Schema", "mcp": "speaks a protocol of JSON messages"}
"""Commands without a JSON document, with the reason."""
_BY_COMMAND = {"run", "compare", "ui", "export", "import", "sql", "ls", "tail"}
"""Commands with a separate test below."""
RUNS = ("empty", "failed", "infinite-rewards", "all-nan", "rewound", "scalars-only", "updates-only", "full", "running")


def _full(folder: Path) -> None:
    """Write a run that reports everything: attempts, objectives, baselines, images of numbers, notes and NaN."""
    rng = random.Random(3)
    settings = RecorderSettings(system_interval_s=None)
    configuration = {"lower_is_better": ["bytes"], "parameter_bounds": {"speed": [0, 10]}, "seed": 1}
    with TrainingMonitor(
        folder, session_name="full", settings=settings, configuration=configuration, tags=["a"], target=0.5,
        total_timesteps=LENGTH * 300,
    ) as monitor:  # fmt: skip
        for episode in range(300):
            speed = rng.randrange(11)
            monitor.log_episode(
                episode, speed / 10 + rng.gauss(0, 0.1), LENGTH, env_step=LENGTH * (episode + 1),
                category="ab"[episode % 2], difficulty="hard", termination_reason="done", success=episode % 3 > 0,
                attempts=[
                    {"parameters": {"speed": at, "mode": "xy"[at % 2]}, "reward": at / 10, "bytes": 5.0 + at}
                    for at in (speed, rng.randrange(11))
                ],
                bytes=math.nan if episode == 5 else 100.0 - speed, info={"score": math.inf, "deep": [math.nan]},
            )  # fmt: skip
        for policy in (None, "random, best of 2"):
            items = {str(at): {"reward": at + (policy is None) + rng.random()} for at in range(30)}
            monitor.log_evaluation(300, 1.0, eval_episodes=30, policy=policy, items=items)
        monitor.log_event("note", "a note", data={"value": math.nan})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("runs")
    writer = RunWriter(place)
    opened = [made.monitor for name in RUNS if name != "full" if (made := writer.make(name)).monitor is not None]
    _full(place)
    for seed in range(6):
        settings = {"seed": seed, "env_id": "CartPole-v1", "learning_rate": (0.1, 0.01)[seed % 2]}
        with writer.begin(f"lr-{seed}", total_timesteps=LENGTH * 60, configuration=settings) as monitor:
            train(monitor, range(60), noisy([lambda _: 0.0, lambda _: 1.0][seed % 2]))
    yield place
    for monitor in opened:
        monitor.close()


@pytest.fixture(scope="module")
def outputs(folder: Path) -> Callable[..., list[Any]]:
    """Function that runs a command with `--json` and returns its documents, one for each line if it prints lines."""

    def run(*words: object, lines: bool = False) -> list[Any]:
        arguments = [*map(str, words), "--json", *([] if words[0] in {"ls", "import"} else ["--folder", str(folder)])]
        text = CliRunner().invoke(app, arguments, prog_name="rlvitals").stdout
        return [json.loads(one) for one in (text.splitlines() if lines else [text])]

    return run


def errors_in(command: str, document: Any) -> list[str]:
    """Return the differences between a document and the schema of its command."""
    found = Draft202012Validator(output_schema(command)).iter_errors(document)
    return [f"{error.json_path}: {error.message:.200}" for error in found]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_schema(command: str) -> None:
    """Every command except the listed ones has a valid schema, and no schema belongs to another name."""
    assert (command in OUTPUTS) is (command not in NO_DOCUMENT)
    if command in OUTPUTS:
        Draft202012Validator.check_schema(output_schema(command))


def test_every_key_is_described() -> None:
    """Every key of every object has a description, and no object allows other keys."""
    parts = [(name, part) for command in OUTPUTS for name, part in output_schema(command)["$defs"].items()]
    objects = [(name, part) for name, part in parts if "properties" in part]

    silent = {
        f"{name}.{key}" for name, part in objects for key, one in part["properties"].items() if "description" not in one
    }
    assert silent == set()
    assert {name for name, part in objects if part["additionalProperties"] is not False} == set()


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("command", sorted(OUTPUTS.keys() - _BY_COMMAND))
def test_the_document_of_a_run_matches(
    outputs: Callable[..., list[Any]], tmp_path: Path, command: str, run: str
) -> None:
    """A run that is healthy, failed, empty, rewound, live or full of NaN gives a document that the schema allows."""
    options: dict[str, list[object]] = {
        "report": ["-o", tmp_path / "report.md"],
        "verify": ["--check"],
        "stats": ["--window", 20, "--parameters"],
    }

    (document,) = outputs(command, run, *options.get(command, []))
    assert errors_in(command, document) == []


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("run", ["full", "infinite-rewards", "scalars-only"])
def test_each_line_of_tail_matches(outputs: Callable[..., list[Any]], run: str, stream: str) -> None:
    """Each record is one line, which the schema of a line allows."""
    records = outputs("tail", run, "--stream", stream, "--no-follow", lines=True)

    assert [error for record in records for error in errors_in("tail", record)] == []


@pytest.mark.parametrize(
    "words",
    [
        ("lr-0", "lr-1"), ("lr-*", "--by", "learning_rate", "--margin", 1, "--target", 0.5), ("lr-1",),
        ("lr-0", "failed", "empty", "all-nan"), ("lr-*", "--metric", "length", "--every-pair", "--by", "seed"),
    ],
)  # fmt: skip
def test_a_comparison_matches(outputs: Callable[..., list[Any]], words: tuple[object, ...]) -> None:
    """Two runs, groups, and the rank of a single run match the schema of `compare`."""
    assert errors_in("compare", outputs("compare", *words)[0]) == []


def test_a_comparison_with_reports_matches(outputs: Callable[..., list[Any]], tmp_path: Path) -> None:
    """The optional key is in the schema."""
    (document,) = outputs("compare", "lr-0", "lr-1", "-o", tmp_path / "report.md")

    assert (errors_in("compare", document), len(document["reports"])) == ([], 1)


@pytest.mark.parametrize("command", ["ls", "sql", "export", "import"])
def test_the_other_documents_match(
    outputs: Callable[..., list[Any]], folder: Path, tmp_path: Path, command: str
) -> None:
    """The list of runs, a query, an export and an import, with a file that cannot be imported."""
    exported = tmp_path / "run.jsonl"
    (export,) = outputs("export", "full", "-o", exported)
    broken = tmp_path / "broken.csv"
    broken.write_bytes(b"\0")
    words: dict[str, list[object]] = {
        "ls": [folder],
        "sql": ["SELECT *, to_timestamp(time) AS at, 1.5::DECIMAL(4, 2) AS price FROM episodes LIMIT 20"],
        "import": [exported, broken, "--folder", tmp_path / "imported"],
    }

    (document,) = [export] if command == "export" else outputs(command, *words[command])
    assert errors_in(command, document) == []


@pytest.mark.parametrize("line", ["pass", "import rlvitals as r; r.TrainingMonitor('.').log_episode(0, 1.0, 5)"])
def test_the_line_of_a_script_matches(tmp_path: Path, line: str) -> None:
    """A script that records nothing, and one that records a run."""
    script = tmp_path / "train.py"
    script.write_text(line)
    command = [sys.executable, "-m", "rlvitals", "run", "--json", "--folder", str(tmp_path), str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)

    assert errors_in("run", json.loads(done.stderr.splitlines()[-1])) == []


def test_the_address_of_the_dashboard_matches(tmp_path: Path) -> None:
    """The dashboard prints its address as one line before it serves."""
    command = [sys.executable, "-m", "rlvitals", "ui", str(tmp_path), "--port", "0", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as ui:
        assert ui.stdout is not None
        line = ui.stdout.readline()
        ui.terminate()

    assert errors_in("ui", json.loads(line)) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(new=1),
        lambda document: document.pop("folder"),
        lambda document: document["runs"][0].update(new=1),
        lambda document: document["runs"][0].update(duration="Inf"),
    ],
)
def test_a_wrong_document_is_refused(
    outputs: Callable[..., list[Any]], folder: Path, change: Callable[[Any], object]
) -> None:
    """An unknown key, a missing key and a wrong spelling of a number do not match."""
    (document,) = outputs("ls", folder)
    change(document)

    assert len(errors_in("ls", document)) == 1
