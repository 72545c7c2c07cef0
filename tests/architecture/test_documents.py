"""The examples in the documents run."""

import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rlvitals import TrainingMonitor

ROOT = Path(__file__).parents[2]

NOT_RUN = {
    ("README.md", 0): "trains for minutes",
    ("docs/adapters.md", 0): "trains for minutes",
    ("docs/adapters.md", 1): "continues from a checkpoint of the reader",
    ("docs/adapters.md", 2): "leaves the loop to the reader",
    ("docs/alerts.md", 0): "would call Slack",
    ("docs/recording.md", 0): "leaves the loop to the reader",
    ("docs/sinks.md", 0): "would call Weights & Biases",
}
"""Code blocks that are not run, by document and index, with the reason."""


def blocks(document: str) -> list[str]:
    """Return the Python code blocks of a document."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


GUIDES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
ALL = ["README.md", *GUIDES, "packages/vtracer_gym/README.md"]
DOCUMENTS = [
    document for document in ALL if any((document, place) not in NOT_RUN for place, _ in enumerate(blocks(document)))
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Working folder of a reader who has followed the README and has some runs and logos."""
    monkeypatch.chdir(tmp_path)
    for place, name in (("logs/base", "a"), ("logs/new", "b"), ("logs", "my-run")):
        with TrainingMonitor(place, session_name=name) as monitor:
            for episode in range(12):
                monitor.log_episode(episode, float(episode % 3), 5, env_step=5 * (episode + 1))
    for kind in ("simple", "text"):
        path = Path("logos", kind, "a.png")
        path.parent.mkdir(parents=True)
        Image.new("RGB", (64, 64), "red").save(path)
    return tmp_path


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_examples_of_a_document_run_in_order(folder: Path, document: str) -> None:
    """Each example continues from the previous ones, and guides continue from the README."""
    names: dict[str, Any] = {"__name__": "example"}
    wanted = [("README.md", 1)] if document != "README.md" else []
    wanted += [(document, place) for place, _ in enumerate(blocks(document)) if (document, place) not in NOT_RUN]
    for at, place in wanted:
        exec(compile(blocks(at)[place], f"{at}, block {place}", "exec"), names)  # noqa: S102 - code from this repository

    assert (folder / "logs" / "ppo-1" / "run.json").exists()


def test_blocks_that_are_not_run_exist() -> None:
    """A removed or moved block does not exempt another one."""
    assert [one for one in NOT_RUN if one[1] >= len(blocks(one[0]))] == []


@pytest.mark.parametrize("document", ALL)
def test_no_placeholder_is_left(document: str) -> None:
    """No document contains a placeholder, such as for a table to insert later."""
    text = (ROOT / document).read_text(encoding="utf-8")

    assert re.findall(r"@[A-Z_]+@|\b(?:TODO|TBD|FIXME|XXX)\b", text) == []
