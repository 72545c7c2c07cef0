"""Names of folders that are parts of one training, such as `train` and `eval`."""

import re

_PART = re.compile(r"train(ing)?|eval(uation)?s?|test|val(id(ation)?)?|rollout", re.IGNORECASE)


def is_part_name(name: str) -> bool:
    """Return whether a folder with a name is a part of the training in the folder above."""
    return _PART.fullmatch(name) is not None
