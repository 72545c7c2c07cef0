"""The examples and commands of the documentation run, pages are short, and every public name is documented."""

import argparse
import ast
import importlib
import re
import shlex
import shutil
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import click
import numpy as np
import pytest
import typer
from PIL import Image
from texts import code_blocks, prose
from typer.testing import CliRunner

import rlvitals
from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.cli.main import app as rlvitals_app
from vtracer_gym.cli.main import app as vtracer_gym_app

ROOT = Path(__file__).parents[2]
PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
ALL = ["README.md", "CONTRIBUTING.md", *PAGES, "packages/vtracer_gym/README.md"]

NOT_RUN = {
    ("CONTRIBUTING.md", 0): "would register a rule",
    ("README.md", 0): "trains for minutes",
    ("docs/getting-started.md", 0): "trains for a minute",
    ("docs/guides/alerts.md", 0): "would call Slack",
    ("docs/guides/attach.md", 0): "would attach the libraries of the tests",
    ("docs/guides/stable-baselines3.md", 0): "trains for minutes",
    ("docs/guides/stable-baselines3.md", 1): "continues from the reader's checkpoint",
    ("docs/guides/training-loop.md", 0): "leaves the loop to the reader",
    ("docs/guides/trl.md", 0): "needs TRL, which has a separate environment",
    ("docs/guides/trl.md", 1): "needs TRL, which has a separate environment",
    ("docs/reference/sinks.md", 0): "would call Weights & Biases",
}
"""Python blocks that are not run, by document and position, with the reason."""

COMMANDS_NOT_RUN = {
    "rlvitals run": "needs a script of the reader's",
    "rlvitals watch runs/": "needs event files of the reader's",
    "rlvitals ui": "serves until it is stopped",
    "rlvitals import": "needs files of the reader's",
    "rlvitals ls /mnt": "needs a shared disk",
    "rlvitals report ppo-1 -o ppo-1.pdf": "needs a browser",
    "rlvitals export ppo-1 -o wb": "takes seconds to load Weights & Biases",
    "vtracer-gym": "trains for minutes",
}
"""Beginnings of commands that are not run, with the reason; their options are still checked."""

_APPS = {"rlvitals": rlvitals_app, "vtracer-gym": vtracer_gym_app}
_MOST_LINES = 250
QUIET = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None)
_PUBLIC = (
    "rlvitals", "rlvitals.records", "rlvitals.sinks", "rlvitals.sinks.alerts", "rlvitals.diagnosis",
    "rlvitals.comparison", "rlvitals.runs", "rlvitals.formats.exporters", "rlvitals.formats.importers",
    "rlvitals.adapters.gymnasium", "rlvitals.adapters.optuna", "vtracer_gym",
)  # fmt: skip
"""Packages whose `__all__` is public."""


def blocks(document: str, language: str) -> list[str]:
    """Return the code blocks of a document in a language."""
    return code_blocks(ROOT / document, language)


def commands(document: str) -> list[str]:
    """Return the commands of this project in the console blocks of a document, without comments."""
    lines = [line for block in blocks(document, "console") for line in block.splitlines() if line.startswith("$ ")]
    plain = [line[2:].split("  #")[0].split(" # ")[0].strip() for line in lines]
    return [line for line in plain if line.split()[0] in _APPS]


def reason_not_to_run(command: str) -> str | None:
    return next((reason for start, reason in COMMANDS_NOT_RUN.items() if command.startswith(start)), None)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create the working directory of a reader who has followed the README and has some runs and logos."""
    root = tmp_path_factory.mktemp("reader")
    runs = [
        *(("logs/base", f"base-{seed}") for seed in range(3)), *(("logs/new", f"new-{seed}") for seed in range(3)),
        *(("logs", name) for name in ("my-run", "ppo-7", "ppo-8", "A", "B", "a-1", "a-2", "b-1", "b-2")),
        *(("logs", f"lr-{rate}-seed-{seed}") for rate in ("0.1", "0.0003") for seed in range(2)),
        ("logs/night", "night-1"), ("logs/search", "search-1"), ("logs/vtracer_gym", "seed-0"),
        ("experiments/logs", "far"),
    ]  # fmt: skip
    for place, name in runs:
        seed = sum(map(ord, name))
        settings = {"learning_rate": 0.1 if "0.1" in name else 3e-4, "seed": seed, "env_id": "CartPole-v1"}
        with TrainingMonitor(root / place, session_name=name, configuration=settings, settings=QUIET) as monitor:
            for episode in range(12):
                monitor.log_episode(
                    episode, float((episode * seed) % 7), 5, env_step=5 * (episode + 1), category="text"
                )
    for kind in ("simple", "text"):
        path = root / "logos" / kind / "a.png"
        path.parent.mkdir(parents=True)
        Image.new("RGB", (64, 64), "red").save(path)
    return root


@pytest.fixture
def folder(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the directory of `recorded`, and make the copy the working directory."""
    shutil.copytree(recorded, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names_of_reader() -> dict[str, Any]:
    """Return the names that the examples expect from the reader's own script."""
    optimizer = SimpleNamespace(param_groups=[{"lr": 2.5e-4}])
    losses = {"pg_loss": -0.01, "v_loss": 0.5, "entropy_loss": 0.6, "approx_kl": np.float32(0.01), "explained_var": 0.8}
    return {
        "__name__": "example",
        "np": np,
        "args": argparse.Namespace(total_timesteps=1000, seed=1),
        "run_name": "CartPole-v1__ppo__1__1700000000",
        "infos": {"final_info": [None, {"episode": {"r": np.float32(20.0), "l": np.int32(20)}}]},
        "truncations": np.array([False, True]),
        "global_step": 20,
        "clipfracs": [0.1],
        "gradient_norm": np.float32(0.4),
        "b_advantages": np.array([0.5, -0.5]),
        "b_returns": np.array([1.0, 2.0]),
        "optimizer": optimizer,
        **losses,
    }


WITH_PYTHON = [
    document
    for document in ALL
    if any((document, place) not in NOT_RUN for place, _ in enumerate(blocks(document, "python")))
]
WITH_COMMANDS = [
    document for document in ALL if any(reason_not_to_run(command) is None for command in commands(document))
]


def run_blocks(wanted: list[tuple[str, int]]) -> None:
    names = names_of_reader()
    for at, place in wanted:
        exec(compile(blocks(at, "python")[place], f"{at}, block {place}", "exec"), names)  # noqa: S102 - our own words


@pytest.mark.parametrize("document", WITH_PYTHON)
def test_the_examples_of_a_document_run_in_order(folder: Path, document: str) -> None:
    """Each example continues from the previous ones, and the pages continue from the run that the README records."""
    wanted = [("README.md", 1)] if document != "README.md" else []
    wanted += [(document, at) for at, _ in enumerate(blocks(document, "python")) if (document, at) not in NOT_RUN]
    run_blocks(wanted)

    assert (folder / "logs" / "ppo-1" / "run.json").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("document", WITH_COMMANDS)
def test_the_commands_of_a_document_work(document: str) -> None:
    """Each command exits with code 0, or with 1 for a bad result, but not with 2 for a usage error."""
    run_blocks([("README.md", 1)])
    runner = CliRunner()
    for command in commands(document):
        if reason_not_to_run(command) is None:
            program, *words = shlex.split(command)
            result = runner.invoke(_APPS[program], words, prog_name=program)
            assert result.exit_code in {0, 1}, (command, result.output)


@pytest.mark.parametrize("document", [document for document in ALL if commands(document)])
def test_the_options_of_documented_commands_exist(document: str) -> None:
    """Every option in a documented command exists, including those of commands that are not run here."""
    for command in commands(document):
        program, *words = shlex.split(command)
        words = words[: words.index("--")] if "--" in words else words  # the rest is another program's
        known: Any = typer.main.get_command(_APPS[program])
        context = click.Context(known)
        known = known.get_command(context, words[0]) or known
        options = {option for parameter in known.params for option in (*parameter.opts, *parameter.secondary_opts)}
        given = {word.split("=")[0] for word in words if word.startswith("-")}
        assert given <= options | {"--help", "--version", "--install-completion", "--show-completion"}, command


def test_the_exceptions_exist() -> None:
    """Every listed exception matches an existing block or command, so that no outdated entry hides another one."""
    every = [command for document in ALL for command in commands(document)]

    assert [one for one in NOT_RUN if one[1] >= len(blocks(one[0], "python"))] == []
    assert [one for one in COMMANDS_NOT_RUN if not any(command.startswith(one) for command in every)] == []


@pytest.mark.parametrize("document", ALL)
def test_no_placeholder_is_left(document: str) -> None:
    """No document has a placeholder, for example for a table to be inserted later."""
    text = (ROOT / document).read_text(encoding="utf-8")

    assert re.findall(r"@[A-Z_]+@|^[A-Z]+_[A-Z]+$|\b(?:TODO|TBD|FIXME|XXX)\b", text, re.MULTILINE) == []


@pytest.mark.parametrize("document", ALL)
def test_a_page_is_short(document: str) -> None:
    """A page has at most 250 lines, and the README has at most 150."""
    lines = (ROOT / document).read_text(encoding="utf-8").count("\n")

    assert lines <= (150 if document == "README.md" else _MOST_LINES)


@pytest.mark.parametrize("document", ALL)
def test_links_between_files_lead_somewhere(document: str) -> None:
    """Links to files and headings resolve on GitHub. `make docs` checks the links of the site."""
    path = ROOT / document
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        to = (path.parent / file).resolve() if file else path
        if not to.exists() or (anchor and to.suffix == ".md" and anchor not in anchors(to)):
            wrong.append(target)
    assert wrong == []


def anchors(path: Path) -> set[str]:
    """Return the anchors of a page's headings."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_every_public_name_has_a_reference_page() -> None:
    """Each name in the `__all__` of a public package, and each exception, has an entry in the reference."""
    reference = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference/python").iterdir())
    documented = set(re.findall(r"^::: (\S+)$", reference, re.MULTILINE))
    tree = ast.parse((ROOT / "src/rlvitals/errors.py").read_text(encoding="utf-8"))
    wanted = {f"rlvitals.errors.{node.name}" for node in tree.body if isinstance(node, ast.ClassDef)}
    for package in map(importlib.import_module, _PUBLIC):
        wanted |= {f"{package.__name__}.{name}" for name in package.__all__ if is_first_place(package, name)}

    assert wanted - documented == set()


def is_first_place(package: ModuleType, name: str) -> bool:
    """Return whether users import a name from this package, and not from `rlvitals`, which also exports it."""
    return package is rlvitals or name not in rlvitals.__all__


def test_every_make_target_that_is_named_exists() -> None:
    """The targets that documents, the hosted CI and `.ci/run` call are in the Makefile."""
    places = [*(ROOT / document for document in ALL), ROOT / ".ci/run", *(ROOT / ".github").rglob("*.[ym][ma]*")]
    texts = [path.read_text(encoding="utf-8") for path in places]
    pattern = re.compile(r"(?:`|\$ |run: (?:sudo )?|required |^)make ([a-z-]+)", re.MULTILINE)
    named = {target for text in texts for target in pattern.findall(text)}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    known = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))

    assert {"test", "docs", "browser"} <= named <= known
