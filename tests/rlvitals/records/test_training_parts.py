"""Folders that are parts of one training."""

from pathlib import Path

import pytest

from rlvitals.records.training_parts import is_part, tag_in, tag_prefix_of, training_of


@pytest.mark.parametrize(
    ("folder", "training", "prefix"),
    [
        ("/logs/a/train", "/logs/a", ""),
        ("/logs/a/Eval", "/logs/a", "eval/"),
        ("/logs/a/tests", "/logs/a", "eval/"),
        ("/logs/a", "/logs/a", ""),
        ("train", "train", ""),
    ],
)
def test_a_part_belongs_to_the_folder_above(folder: str, training: str, prefix: str) -> None:
    """Values of an evaluation have its tags."""
    assert (training_of(Path(folder)), tag_prefix_of(Path(folder))) == (Path(training), prefix)


@pytest.mark.parametrize("name", ["a", "training-2", "latest", "evaluate"])
def test_another_folder_is_not_a_part(name: str) -> None:
    assert not is_part(name)


@pytest.mark.parametrize("tag", ["charts/episodic_return", "eval/charts/episodic_return"])
def test_a_tag_has_the_prefix_of_an_evaluation_once(tag: str) -> None:
    assert tag_in(Path("/logs/a/eval"), tag) == "eval/charts/episodic_return"
