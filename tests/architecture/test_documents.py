"""The examples in the documents do what they say."""

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
    ("docs/adapters.md", 1): "goes on from a checkpoint of the reader's",
    ("docs/adapters.md", 2): "leaves the loop to the reader",
    ("docs/alerts.md", 0): "would call Slack",
    ("docs/recording.md", 0): "leaves the loop to the reader",
    ("docs/sinks.md", 0): "would call Weights & Biases",
}
"""The blocks that are not run, by document and place, and why."""


def blocks(document: str) -> list[str]:
    """The Python of a document, block by block."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


GUIDES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
ALL = ["README.md", *GUIDES, "packages/vtracer_gym/README.md"]
DOCUMENTS = [
    document for document in ALL if any((document, place) not in NOT_RUN for place, _ in enumerate(blocks(document)))
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader stands who has followed the README, and has runs and logos of their own."""
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
def test_the_examples_of_a_document_run_in_their_order(folder: Path, document: str) -> None:
    """Each goes on from those before it; those of the guides from the README."""
    names: dict[str, Any] = {"__name__": "example"}
    wanted = [("README.md", 1)] if document != "README.md" else []
    wanted += [(document, place) for place, _ in enumerate(blocks(document)) if (document, place) not in NOT_RUN]
    for at, place in wanted:
        exec(compile(blocks(at)[place], f"{at}, block {place}", "exec"), names)  # noqa: S102 - our own words

    assert (folder / "logs" / "ppo-1" / "run.json").exists()


def test_what_is_not_run_is_there() -> None:
    """A block that is gone, or moved, does not hide another."""
    assert [one for one in NOT_RUN if one[1] >= len(blocks(one[0]))] == []


@pytest.mark.parametrize("document", ALL)
def test_no_placeholder_is_left(document: str) -> None:
    """Such as a table that was to be put in later."""
    text = (ROOT / document).read_text(encoding="utf-8")

    assert re.findall(r"@[A-Z_]+@|\b(?:TODO|TBD|FIXME|XXX)\b", text) == []
