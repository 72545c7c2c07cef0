"""Conversion of values that training loops pass."""

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import math
import re
import types
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from rlvitals.errors import RecordError
from rlvitals.records import Episode, Evaluation, Scalars, codec_of
from rlvitals.records.coercion import coerce, plain_scalar, shown, spelled, unspelled
from rlvitals.records.schema import fields

SURROGATE = "a\ud800b"


class Level(enum.Enum):
    HARD = "hard"
    FOURTH = 4


class Size(NamedTuple):
    width: int
    height: int


@dataclasses.dataclass
class Setting:
    rate: float
    name: str = "adam"


class Shy:
    """A foreign object whose `repr` raises."""

    def __repr__(self) -> str:
        raise KeyError("shy")


class Broken:
    """A foreign scalar whose value cannot be read."""

    def item(self) -> float:
        raise ConnectionError("the device is gone")


class Lone:
    """A foreign scalar without a size."""

    def item(self) -> int:
        return 3


def kept(**said: Any) -> Any:
    """Return the stored value of the one field that is passed."""
    record, line = codec_of(Episode).pack({"time": 1.0, "episode": 7, "reward": 2.5, "length": 3, **said})
    assert repr(codec_of(Episode).unpack(line)) == repr(record)
    return getattr(record, next(iter(said)))


def refusal(**said: Any) -> str:
    with pytest.raises(RecordError) as refused:
        kept(**said)
    return str(refused.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (3, 3.0),
        (np.float32(1.5), 1.5),
        (np.float64("nan"), math.nan),
        (np.longdouble(1.5), 1.5),
        (np.int64(-3), -3.0),
        (np.array(2.0), 2.0),
        (np.array([[2.0]]), 2.0),
        (torch.tensor(1.5, requires_grad=True), 1.5),
        (torch.tensor([[1.5]], dtype=torch.bfloat16), 1.5),
        (torch.tensor(math.inf), math.inf),
        (torch.tensor(4), 4.0),
        (decimal.Decimal("0.5"), 0.5),
        (fractions.Fraction(1, 4), 0.25),
        (Level.FOURTH, 4.0),
        (Lone(), 3.0),
        (2**80, 2.0**80),
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_scalars_become_numbers(given: Any, expected: float) -> None:
    """A value that holds one number is converted to that number, whatever its type."""

    assert repr(kept(reward=given)) == repr(expected)


@pytest.mark.parametrize(
    "given", [3, 3.0, np.int8(3), np.uint64(3), np.float32(3), torch.tensor(3), torch.tensor([3.0])], ids=repr
)
def test_whole_numbers_become_counts(given: Any) -> None:
    """An integral float or a number of another library is accepted as a count."""

    assert repr(kept(length=given)) == "3"


@pytest.mark.parametrize(
    ("given", "expected"),
    [(True, True), (np.False_, False), (torch.tensor([True]), True), (1, True), (0.0, False), (np.int64(1), True)],
    ids=repr,
)
def test_zero_and_one_are_bools(given: Any, expected: bool) -> None:
    """A bool field accepts 0 and 1, which some environments report."""

    assert kept(success=given) is expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.str_("simple"), "simple"),
        (3, "3"),
        (0.5, "0.5"),
        (Level.HARD, "hard"),
        (SURROGATE, "a\\ud800b"),
        ("é" * 1_000, "é" * 1_000),
        ("é" * 1_001, "é" * 981 + "… (1001 characters)"),
    ],
    ids=["numpy", "int", "float", "enum", "surrogate", "longest", "longer"],
)
def test_text_is_kept_or_truncated(given: Any, expected: str) -> None:
    """Numbers become text in a text field, long text is truncated with a note, and a lone surrogate is escaped."""

    assert kept(difficulty=given) == expected


def test_a_date_is_a_time() -> None:
    """A datetime is converted to seconds since 1970."""

    assert kept(time=dt.datetime(2024, 1, 1, tzinfo=dt.UTC)) == 1_704_067_200.0


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"reward": "1.5"}, "reward must be a number, got '1.5' (str)"),
        ({"reward": True}, "reward must be a number, got True (bool)"),
        ({"reward": [1.0, 2.0]}, "reward must be a number, got [1.0, 2.0] (list)"),
        ({"reward": 1j}, "reward must be a number, got 1j (complex)"),
        ({"reward": np.array([1.0, 2.0])}, "reward must be a number, got array([1., 2.]) (ndarray)"),
        ({"reward": torch.tensor([1, 2])}, "reward must be a number, got tensor([1, 2]) (Tensor)"),
        ({"reward": dt.timedelta(1)}, "reward must be a number, got datetime.timedelta(days=1) (timedelta)"),
        ({"length": -1}, "length must be a whole number of at least 0, got -1 (int)"),
        ({"length": 2.5}, "length must be a whole number of at least 0, got 2.5 (float)"),
        ({"length": math.nan}, "length must be a whole number of at least 0, got nan (float)"),
        ({"length": math.inf}, "length must be a whole number of at least 0, got inf (float)"),
        ({"length": False}, "length must be a whole number of at least 0, got False (bool)"),
        ({"length": "3"}, "length must be a whole number of at least 0, got '3' (str)"),
        ({"length": 2**63}, "length must be below 2**63, got 9223372036854775808 (int)"),
        ({"success": "yes"}, "success must be True or False, got 'yes' (str)"),
        ({"success": 2}, "success must be True or False, got 2 (int)"),
        ({"success": math.nan}, "success must be True or False, got nan (float)"),
        ({"success": torch.tensor([1, 0])}, "success must be True or False, got tensor([1, 0]) (Tensor)"),
        ({"category": b"logo"}, "category must be text, got b'logo' (bytes)"),
        ({"category": PurePosixPath("a")}, "category must be text, got PurePosixPath('a') (PurePosixPath)"),
        ({"parameters": 5}, "parameters must be a dict, got 5 (int); pass names and values, such as {'name': 1.0}"),
        ({"info": [1]}, "info must be a dict, got [1] (list); pass names and values, such as {'name': 1.0}"),
        ({"reward_parts": {"speed": "fast"}}, "reward_parts ['speed'] must be a number, got 'fast' (str)"),
        (
            {"extra": {str(n): n for n in range(1_001)}},
            "extra has 1001 entries, and at most 1000 are allowed; log fewer entries",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_an_invalid_value_is_refused(said: dict[str, Any], message: str) -> None:
    """The message names the record, the field, the expected type and the value."""

    assert refusal(**said) == f"Episode 7: {message}"


def test_nested_values_in_a_flat_dict_are_refused_with_a_fix() -> None:
    """The message names the field that accepts nested values."""

    assert refusal(parameters={"sizes": [1, 2]}) == (
        "Episode 7: parameters ['sizes'] must be a number, a bool or a short text, got [1, 2] (list); "
        "put nested values into `info`"
    )


@pytest.mark.parametrize("field", ["reward", "extra"])
def test_an_integer_too_large_for_a_float_is_refused(field: str) -> None:
    """The message is short and does not contain all 400 digits."""

    message = refusal(**{field: 10**400 if field == "reward" else {"n": 10**400}})
    assert "must be below 2**1024, got 1000" in message
    assert len(message) < 140


@pytest.mark.parametrize("field", ["episode", "reward", "length"])
def test_an_integer_that_python_does_not_print_is_refused(field: str) -> None:
    """Python does not print an int of 5,000 digits, so the message leaves the value out."""

    assert re.search(rf"{field} must be .*got something \(int\)$", refusal(**{field: 10**5_000}))


def test_an_integer_that_python_does_not_print_is_refused_in_a_tree() -> None:
    """The message names the size of the integer and the limit."""

    assert "Episode 7: info holds an integer of 16,610 bits, and at most 14,000 are allowed" in refusal(
        info={"n": 10**5_000}
    )


def test_a_foreign_error_is_reported() -> None:
    """An object that raises when its value is read is refused with the text of the error."""

    assert refusal(reward=Broken()).startswith(
        "Episode 7: reward cannot be read (ConnectionError: the device is gone), got <"
    )
    assert "cannot be read (RuntimeError: " in refusal(reward=torch.empty(1, device="meta"))


@pytest.mark.parametrize("field", ["episode", "reward", "length", "success", "category", "parameters", "info"])
def test_an_object_whose_repr_raises_is_refused(field: str) -> None:
    """A `repr` that raises does not hide the validation error."""

    assert f"{field} must be " in refusal(**{field: Shy()})


def test_large_integers_in_a_flat_dict_become_floats() -> None:
    """An integer of more than 63 bits becomes the nearest float, which every reader of the files supports."""

    found = kept(extra={"most": 2**63 - 1, "more": 2**63, "less": -(2**64)})
    assert (
        repr(found) == "{'most': 9223372036854775807, 'more': 9.223372036854776e+18, 'less': -1.8446744073709552e+19}"
    )


def test_none_in_a_flat_dict_is_absent() -> None:
    """An entry with the value None is dropped."""

    assert kept(extra={"a": None, "b": 1}) == {"b": 1}
    assert kept(extra={"a": None}) is None


def test_scalars_can_be_empty() -> None:
    """A required dict field keeps an empty dict, even if all its entries were None."""

    for values in ({}, {"a": None}):
        record, line = codec_of(Scalars).pack({"time": 1.0, "step": 2, "category": "own", "values": values})
        assert record.values == codec_of(Scalars).unpack(line).values == {}


@pytest.mark.parametrize(
    "keys", [(1, "1"), ("x" * 999 + "é" + "a" * 200, "x" * 999 + "é" + "b" * 200)], ids=["types", "long"]
)
@pytest.mark.parametrize("field", ["extra", "info"])
def test_two_keys_with_the_same_text_are_refused(field: str, keys: tuple[Any, Any]) -> None:
    """Two keys with the same text are refused, because one value would be lost."""

    said = {keys[0]: 1, keys[1]: 2, "nan": math.nan}
    assert re.search(
        rf"{field} has two keys that both read '(1|x+… \(1000 characters\))'; rename one", refusal(**{field: said})
    )


def test_keys_become_text() -> None:
    """Keys can be numbers, as in many `info` dicts."""

    assert kept(parameters={1: 2, 2.5: 3, Level.HARD: 4}) == {"1": 2, "2.5": 3, "Level.HARD": 4}
    assert kept(info={1: {2: 3}}) == {"1": {"2": 3}}


@pytest.mark.parametrize("mark", [0.5, math.nan], ids=["quick", "careful"])
def test_a_tree_is_converted_to_json_types(mark: float) -> None:
    """Tuples and sets become lists, dates ISO text and dataclasses dicts, on the fast and the slow path."""

    tree = {
        "tuple": (1, (2,)),
        "named": Size(3, 4),
        "set": {5},
        "date": dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC),
        "bytes": b"ab",
        "exact": decimal.Decimal("1.50"),
        "enum": Level.HARD,
        "setting": Setting(0.5),
        "big": 2**70,
        "mark": mark,
    }
    assert repr(kept(info=tree)) == repr(
        {
            "tuple": [1, [2]],
            "named": [3, 4],
            "set": [5],
            "date": "2024-01-02T03:00:00Z",
            "bytes": "YWI=",
            "exact": "1.50",
            "enum": "hard",
            "setting": {"rate": 0.5, "name": "adam"},
            "big": 2**70,
            "mark": mark,
        }
    )


def test_arrays_in_a_tree_become_lists() -> None:
    """NumPy arrays and tensors become lists of numbers, including NaN, and a single element becomes a number."""

    tree = {"a": np.array([[1.0, math.nan]]), "b": torch.tensor([1, 2]), "c": np.float32(0.5), "d": np.array([7])}
    assert repr(kept(info=tree)) == "{'a': [[1.0, nan]], 'b': [1, 2], 'c': 0.5, 'd': 7}"


def test_values_without_a_json_form_are_stored_as_their_repr() -> None:
    """A custom object is stored as Python shows it."""

    assert kept(info={"f": int, "module": [types]}) == {"f": repr(int), "module": [repr(types)]}


def test_any_mapping_is_accepted_as_a_dict() -> None:
    """A read-only view of a dict is accepted."""

    view = types.MappingProxyType({"a": 1})
    assert (kept(extra=view), kept(info={"inside": view})) == ({"a": 1}, {"inside": {"a": 1}})


@pytest.mark.parametrize("how", ["dict", "list", "array"])
def test_a_cycle_is_refused(how: str) -> None:
    """A tree that contains itself is refused without a stack overflow."""

    tree: dict[str, Any] = {}
    array = np.empty(2, dtype=object)
    inside: Any = {"dict": tree, "list": [tree], "array": array}[how]
    array[:] = [inside, 1]
    tree["inside"] = inside
    assert refusal(info=tree) == "Episode 7: info contains itself, and JSON has no cycles; remove the reference"


def test_a_repeated_list_is_not_a_cycle() -> None:
    """A list that occurs in several places is written in each."""

    shared = [math.nan]
    assert repr(kept(info={"a": shared, "b": [shared, shared]})) == "{'a': [nan], 'b': [[nan], [nan]]}"


def test_a_large_tensor_is_refused_before_it_is_converted() -> None:
    """A screenshot in `info` is refused immediately, not after seconds."""

    pixels = np.broadcast_to(np.float32(0), (4_000, 4_000, 3))
    assert refusal(info={"frame": pixels}).startswith(
        "Episode 7: info holds a list of 48000000 items, and at most 524288 are allowed"
    )


def test_an_evaluation_is_named_by_its_episode() -> None:
    """Every kind of record uses the same validation."""

    with pytest.raises(RecordError, match=r"^Evaluation 20: quality must be a number, got 'good' \(str\)$"):
        codec_of(Evaluation).pack({"time": 1.0, "episode": 20, "quality": "good"})


def test_coerce_converts_a_single_field() -> None:
    """A configuration is converted by the same code under its own name, and its texts are truncated."""

    info = next(field for field in fields(Episode) if field.name == "info")
    assert coerce(info, {"a": (1, "x" * 2_000)}, "here")["a"][1].endswith("x… (2000 characters)")
    with pytest.raises(RecordError, match=r"^here: info must be a dict"):
        coerce(info, "no", "here")


def test_plain_scalar_returns_other_values_unchanged() -> None:
    """A value that is not a scalar is returned unchanged."""

    for value in (None, [1], {"a": 1}, np.array([1, 2]), object):
        assert plain_scalar(value) is value


def test_spelling_and_back() -> None:
    """`unspelled` undoes `spelled`."""

    value = {"a": [math.nan, {"b": math.inf}], "c": -math.inf, "d": "text", "e": 1}
    assert repr(spelled(value)) == "{'a': ['NaN', {'b': 'Infinity'}], 'c': '-Infinity', 'd': 'text', 'e': 1}"
    assert repr(unspelled(spelled(value))) == repr(value)


def test_a_shown_value_is_short() -> None:
    """A message shows the beginning, the end and the type of any value."""

    assert shown("x" * 10_000_000) == f"'{'x' * 27}...{'x' * 28}' (str)"
    assert len(shown([["deep"] * 1_000] * 1_000)) < 100


def test_attempts_become_plain_rows() -> None:
    """Attempts hold numbers, texts and a dict of parameters. Missing values are left out, and NaN stays NaN."""

    given = [{"parameters": {"speed": np.int64(2), "mode": None}, "reward": np.float32(0.5), "size": math.nan}]
    assert repr(kept(attempts=given)) == repr([{"parameters": {"speed": 2}, "reward": 0.5, "size": math.nan}])


def test_no_attempts_are_absent() -> None:
    """An empty list of attempts means that none were reported."""

    assert kept(attempts=()) is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"reward": 1.0},
            "attempts must be a list of dicts, got {'reward': 1.0} (dict); pass one dict for each attempt",
        ),
        ([1.0], "attempts [0] must be a dict, got 1.0 (float)"),
        ([{}, {"parameters": {"a": [1]}}], "attempts [1] ['parameters'] ['a'] must be a number"),
        ([{}] * 10_001, "attempts has 10001 entries, and at most 10000 are allowed"),
    ],
    ids=["dict", "number", "nested", "many"],
)
def test_invalid_attempts_are_refused(given: Any, message: str) -> None:
    """The error names the attempt, the entry and the fix."""

    assert message in refusal(attempts=given)
