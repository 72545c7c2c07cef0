"""Descriptions of keys."""

from rlvitals.outputs.key_texts import class_text, key_texts
from rlvitals.records import Episode


def test_descriptions_are_inherited_and_numbers_come_from_the_metric_dictionary() -> None:
    """A record has the keys of all records, and the unit of each number."""
    texts = key_texts(Episode)

    assert texts["category"] == "Category of the task, such as the kind of image."
    assert texts["memory"] == "Memory. Unit: MiB."
    assert texts.keys() == set(Episode.__struct_fields__)


def test_the_description_of_a_class_has_no_keys() -> None:
    """The list of fields is left out."""
    assert class_text(Episode) == "One finished episode."
