"""Names of the parts of a training."""

import pytest

from rlvitals.records.part_names import is_part_name


@pytest.mark.parametrize(
    ("name", "is_part"), [("train", True), ("Evaluation", True), ("evals", True), ("valid", True), ("PPO_1", False)]
)
def test_parts_of_a_training_are_known_by_name(name: str, is_part: bool) -> None:
    assert is_part_name(name) == is_part
