"""Tests of shortened group names."""

from collections.abc import Callable

import pytest

from rlvitals import Comparison
from rlvitals.documents.group_labels import shortened

Compared = Callable[..., Comparison]


@pytest.mark.parametrize(
    ("names", "short", "folder"),
    [
        (["logs/base", "logs/new"], ["base", "new"], "logs/"),
        (["/a/b/x", "/a/bc/x"], ["b/x", "bc/x"], "/a/"),
        (["base", "logs/new"], ["base", "logs/new"], ""),
        (["lr=1e-3", "lr=1e-4"], ["lr=1e-3", "lr=1e-4"], ""),
        (["logs/only"], ["only"], "logs/"),
        (["logs/", "logs/new"], ["logs/", "logs/new"], ""),
    ],
)
def test_a_common_folder_is_removed(compared: Compared, names: list[str], short: list[str], folder: str) -> None:
    """Only whole parts of a common path are removed, and never a whole name."""
    found, left_out = shortened(compared({name: [1.0, 2.0] for name in names}))

    assert ([group.name for group in found.groups], left_out) == (short, folder)
    assert {one.group for one in found.runs} == set(short)


def test_the_folder_is_removed_from_all_texts(compared: Compared) -> None:
    """Names are shortened in sentences, differences and items."""
    found, _ = shortened(compared({"logs/a": [1.0], "logs/ab": [2.0]}, everything=True))

    assert found.comparisons[0].sentences[0] == "ab is better than a, said in a sentence."
    assert found.differences == {"lr": {"a": 0, "ab": 1}}
    assert (found.paired[0].group, found.paired[0].baseline) == ("ab", "a")
