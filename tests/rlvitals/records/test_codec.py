"""Records to lines and back."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlvitals.errors import RecordError
from rlvitals.records import STREAMS, Episode, Event, PolicyUpdate, Record, Scalars, codec_of
from rlvitals.records.codec import MAX_LINE
from rlvitals.records.coercion import MAX_DEPTH, NON_FINITE
from rlvitals.records.schema import Column, fields

LARGEST = 2**63 - 1
ALL_KINDS = pytest.mark.parametrize("kind", STREAMS.values(), ids=STREAMS)

_texts = st.text(max_size=40)
_free_texts = _texts.filter(lambda text: text not in NON_FINITE)
_whole = st.integers(-LARGEST, LARGEST)


def _columns(number: st.SearchStrategy[float]) -> dict[Column, st.SearchStrategy[Any]]:
    leaves = st.one_of(st.booleans(), _whole, number, _free_texts)
    branches = st.recursive(leaves, lambda t: st.lists(t, max_size=3) | st.dictionaries(_texts, t, max_size=3))
    return {
        Column.NUMBER: number,
        Column.COUNT: st.integers(0, LARGEST),
        Column.TEXT: _texts,
        Column.FLAG: st.booleans(),
        Column.VALUES: st.dictionaries(_texts, leaves, min_size=1, max_size=4),
        Column.NUMBERS: st.dictionaries(_texts, number, min_size=1, max_size=4),
        Column.TREE: st.dictionaries(_texts, branches, min_size=1, max_size=4),
    }


_ANY = _columns(st.floats())
_FINITE = _columns(st.floats(allow_nan=False, allow_infinity=False))


def said_of(kind: type[Record], columns: dict[Column, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """What a caller may say of a record: all that is required, and any of the rest."""
    strategies = {field.name: columns[field.column] for field in fields(kind)}
    strategies["writer"] = st.integers(1, LARGEST)
    required = {field.name for field in fields(kind) if field.required}
    return st.fixed_dictionaries(
        {name: strategies[name] for name in strategies if name in required},
        optional={name: strategies[name] for name in strategies if name not in required},
    )


def episode(**said: Any) -> dict[str, Any]:
    return {"time": 1.0, "episode": 7, "reward": 2.5, "length": 3, **said}


def pack(**said: Any) -> tuple[Episode, bytes]:
    return codec_of(Episode).pack(episode(**said))


@ALL_KINDS
@given(st.data())
def test_what_is_packed_is_read_back(kind: type[Record], data: st.DataObject) -> None:
    """Every value of every field comes back as it was kept, to the sign of a zero and the type of a number."""

    record, line = codec_of(kind).pack(data.draw(said_of(kind, _ANY)))
    assert repr(codec_of(kind).unpack(line)) == repr(record)


@ALL_KINDS
@given(st.data())
def test_what_was_said_is_kept(kind: type[Record], data: st.DataObject) -> None:
    """A record says what its caller said, and nothing else."""

    said = data.draw(said_of(kind, _ANY))
    record, _ = codec_of(kind).pack(said)
    kept = {name: value for name in record.__struct_fields__ if (value := getattr(record, name)) is not None}
    assert repr(kept) == repr({name: said.get(name, 1) for name in kept})


@ALL_KINDS
@given(st.data())
def test_care_changes_nothing(kind: type[Record], data: st.DataObject) -> None:
    """A record does not depend on which way it took: the quick one in C, or the careful one."""

    said = data.draw(said_of(kind, _FINITE))
    assert repr(codec_of(kind)._pack_with_care(said)[0]) == repr(codec_of(kind).pack(said)[0])


@pytest.mark.parametrize(
    ("number", "spelling"),
    [(math.nan, '"NaN"'), (math.inf, '"Infinity"'), (-math.inf, '"-Infinity"'), (2.5, "2.5"), (-0.0, "-0.0")],
)
def test_a_number_that_json_has_not_is_spelled(number: float, spelling: str) -> None:
    """NaN and the infinities are text in a line that every strict JSON parser reads."""

    record, line = codec_of(PolicyUpdate).pack({"time": 1.0, "step": 2, "policy_loss": number, "writer": 1})
    expected = f'{{"time":1.0,"step":2,"policy_loss":{spelling}}}\n'
    assert line.decode().replace('"writer":1,', "") == expected
    assert repr(record.policy_loss) == repr(number)


def test_absent_nan_and_the_infinities_are_four_things() -> None:
    """What was not said comes back as None, and nothing else does."""

    said = {"time": 1.0, "step": 2, "policy_loss": math.nan, "value_loss": math.inf, "entropy": -math.inf}
    back = codec_of(PolicyUpdate).unpack(codec_of(PolicyUpdate).pack(said)[1])
    found = (back.policy_loss, back.value_loss, back.entropy, back.kl_divergence)
    assert repr(found) == "(nan, inf, -inf, None)"


def test_they_are_four_things_in_dicts_too() -> None:
    """Inside a dict of the user's own, None is absent; inside a tree it stays None."""

    said = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": None}
    back = codec_of(Episode).unpack(pack(extra=said, reward_parts=said, info={"deep": [said]})[1])
    assert repr(back.extra) == repr(back.reward_parts) == "{'a': nan, 'b': inf, 'c': -inf}"
    assert repr(back.info) == "{'deep': [{'a': nan, 'b': inf, 'c': -inf, 'd': None}]}"


def test_text_that_reads_like_a_number_stays_text() -> None:
    """A category called NaN is a category, and a version "1.0" is no number."""

    back = codec_of(Episode).unpack(pack(category="NaN", termination_reason="null", extra={"version": "1.0"})[1])
    assert (back.category, back.termination_reason, back.extra) == ("NaN", "null", {"version": "1.0"})


def test_a_dict_cannot_tell_the_text_nan_from_the_number() -> None:
    """In a dict of the user's own the three spellings come back as the numbers that they spell."""

    back = codec_of(Episode).unpack(pack(extra={"x": "NaN"}, info={"y": ["-Infinity"]})[1])
    assert repr((back.extra, back.info)) == "({'x': nan}, {'y': [-inf]})"


@pytest.mark.parametrize("reward", [1.0, math.nan], ids=["quick", "careful"])
def test_a_record_shares_nothing_with_its_caller(reward: float) -> None:
    """A dict that the caller goes on using does not change what was recorded."""

    extra = {"a": 1}
    info: dict[str, Any] = {"list": [1, {"deep": 2}], "dict": {"b": [3]}}
    record, _ = pack(reward=reward, extra=extra, info=info, parameters=extra)
    extra["a"] = 9
    info["list"][1]["deep"] = 9
    info["dict"]["b"].append(9)
    assert (record.extra, record.parameters) == ({"a": 1}, {"a": 1})
    assert record.info == {"list": [1, {"deep": 2}], "dict": {"b": [3]}}


def test_the_values_given_are_left_alone() -> None:
    """Packing changes neither the dict of fields nor what is in it."""

    said = episode(reward=math.nan, info={"tuple": (1, 2), 3: {4}}, extra={"none": None})
    before = repr(said)
    codec_of(Episode).pack(said)
    assert repr(said) == before


def test_a_record_is_one_line() -> None:
    """Line breaks in texts do not break the line."""

    _, line = pack(category="a\nb\r\u2028c", info={"trace\n": "x\ny"})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")


@given(said_of(Episode, _ANY), st.randoms(use_true_random=False))
def test_a_torn_line_is_refused(said: dict[str, Any], random: Any) -> None:
    """No beginning of a line is taken for a whole one."""

    _, line = codec_of(Episode).pack(said)
    cut = random.randrange(len(line) - 1)
    with pytest.raises(RecordError, match="not a line of episodes"):
        codec_of(Episode).unpack(line[:cut])


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x00\x00\x00\x00",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"time":1.0}',
        b'{"time":1.0,"episode":-1,"reward":1.0,"length":3}',
        b'{"time":1.0,"episode":1,"reward":"much","length":3}',
        b'{"time":1.0,"episode":1,"reward":1.0,"length":3,"info":' + b'{"a":' * 5_000,
        b'{"time":1.0,"episode":1,"reward":1.0,"length":3,"unknown":' + b"[" * 100_000,
    ],
    ids=["empty", "zeros", "no-utf8", "list", "null", "incomplete", "negative", "text", "deep-info", "deep-unknown"],
)
def test_garbage_is_refused(line: bytes) -> None:
    """Whatever a damaged file holds is refused with a RecordError, never with another exception."""

    with pytest.raises(RecordError, match="not a line of episodes"):
        codec_of(Episode).unpack(line)


def test_fields_of_a_later_release_are_passed_over() -> None:
    """A line with a field that this release does not know is read without it."""

    line = b'{"time":1.0,"episode":7,"reward":"NaN","length":3,"mood":"good","moods":[1]}\n'
    assert repr(codec_of(Episode).unpack(line)) == repr(Episode(time=1.0, episode=7, reward=math.nan, length=3))


@pytest.mark.parametrize("kind", [Episode, PolicyUpdate, Scalars, Event])
def test_a_missing_field_is_named(kind: type[Record]) -> None:
    """A record without a field that it must have is refused, and the message names the record and the field."""

    required = [field.name for field in fields(kind) if field.required]
    with pytest.raises(RecordError, match=f"^{kind.__name__}: {required[0]} is missing, and must be given$"):
        codec_of(kind).pack({})


def test_a_record_is_named_as_its_caller_knows_it() -> None:
    """The message says which episode or step it is about."""

    with pytest.raises(RecordError, match=r"^PolicyUpdate 12: entropy must be a number, got 'high' \(str\)$"):
        codec_of(PolicyUpdate).pack({"time": 1.0, "step": 12, "entropy": "high"})


def test_long_text_in_a_tree_is_kept_where_there_is_room() -> None:
    """A traceback of some thousand characters is kept whole, also where something else is NaN."""

    text = "x" * 50_000
    assert pack(info={"trace": text})[0].info == {"trace": text}
    assert pack(reward=math.nan, info={"trace": text})[0].info == {"trace": text}


def test_text_without_room_is_cut() -> None:
    """Ten megabytes of text are cut to a thousand characters, which say how long it was."""

    record, line = pack(info={"page": "x" * 10_000_000, "n": 1}, category="y" * 10_000_000)
    assert record.info is not None
    assert record.info["page"] == "x" * 977 + "… (10000000 characters)"
    assert record.category is not None
    assert record.category.endswith("y… (10000000 characters)")
    assert len(record.category) == 1_000
    assert len(line) < 3_000


def test_a_record_without_room_is_refused() -> None:
    """Data that no cutting makes fit is refused with its size, the limit and the way out."""

    with pytest.raises(
        RecordError, match=rf"^Episode 7: \d+ bytes in one record, {MAX_LINE} is the most: .* artifacts"
    ):
        pack(info={"pixels": [1_000_000] * 132_000})


@pytest.mark.parametrize("reward", [1.0, math.nan], ids=["quick", "careful"])
def test_nesting_has_a_limit(reward: float) -> None:
    """As deep as the limit is taken, one deeper is refused, and the reward has no say in it."""

    deepest = json.loads('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)
    assert pack(reward=reward, info=deepest)[0].info == deepest
    with pytest.raises(RecordError, match=r"^Episode 7: info is nested deeper than 64 levels$"):
        pack(reward=reward, info={"a": deepest})


def test_wide_is_not_deep() -> None:
    """Hundreds of items with a dict each are taken as they are: the results of an evaluation look so."""

    items = {f"logo-{n}": {"quality": n / 7, "tries": [n, n]} for n in range(300)}
    assert pack(info=items)[0].info == items


def test_from_plain_refuses_what_is_missing() -> None:
    """A row of a sealed segment that lacks a field is refused by name."""

    with pytest.raises(RecordError, match=r"Episode 3: .*`reward`"):
        codec_of(Episode).from_plain({"time": 1.0, "episode": 3})


def test_from_plain_takes_nan() -> None:
    """A sealed segment holds NaN as a number, which is taken as it is."""

    record = codec_of(Episode).from_plain(episode(reward=math.nan, reward_parts={"q": math.inf}))
    assert repr((record.reward, record.reward_parts)) == "(nan, {'q': inf})"
