"""Encoding records as lines and decoding them."""

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
    values = st.dictionaries(_texts, leaves, min_size=1, max_size=4)
    rows = st.dictionaries(_texts, leaves | st.dictionaries(_texts, leaves, max_size=3), max_size=3)
    return {
        Column.NUMBER: number,
        Column.COUNT: st.integers(0, LARGEST),
        Column.TEXT: _texts,
        Column.FLAG: st.booleans(),
        Column.VALUES: values,
        Column.NUMBERS: st.dictionaries(_texts, number, min_size=1, max_size=4),
        Column.ROWS: st.lists(rows, min_size=1, max_size=3),
        Column.TREE: st.dictionaries(_texts, branches, min_size=1, max_size=4),
    }


_ANY = _columns(st.floats())
_FINITE = _columns(st.floats(allow_nan=False, allow_infinity=False))


def said_of(kind: type[Record], columns: dict[Column, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Generate the values of a record: all required fields, and any of the optional ones."""
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
def test_a_packed_record_is_read_back(kind: type[Record], data: st.DataObject) -> None:
    """Every value of every field is read back unchanged, including the sign of a zero and the type of a number."""

    record, line = codec_of(kind).pack(data.draw(said_of(kind, _ANY)))
    assert repr(codec_of(kind).unpack(line)) == repr(record)


@ALL_KINDS
@given(st.data())
def test_exactly_the_passed_values_are_stored(kind: type[Record], data: st.DataObject) -> None:
    """A record stores the values that the caller passed, and no others."""

    said = data.draw(said_of(kind, _ANY))
    record, _ = codec_of(kind).pack(said)
    kept = {name: value for name in record.__struct_fields__ if (value := getattr(record, name)) is not None}
    assert repr(kept) == repr({name: said.get(name, 1) for name in kept})


@ALL_KINDS
@given(st.data())
def test_the_fast_and_the_slow_path_agree(kind: type[Record], data: st.DataObject) -> None:
    """A record does not depend on whether it takes the fast path in C or the slow path."""

    said = data.draw(said_of(kind, _FINITE))
    assert repr(codec_of(kind)._pack_with_care(said)[0]) == repr(codec_of(kind).pack(said)[0])


@pytest.mark.parametrize(
    ("number", "spelling"),
    [(math.nan, '"NaN"'), (math.inf, '"Infinity"'), (-math.inf, '"-Infinity"'), (2.5, "2.5"), (-0.0, "-0.0")],
)
def test_non_finite_numbers_are_strings_in_json(number: float, spelling: str) -> None:
    """NaN and infinities are strings in a line that every strict JSON parser can read."""

    record, line = codec_of(PolicyUpdate).pack({"time": 1.0, "step": 2, "policy_loss": number, "writer": 1})
    expected = f'{{"time":1.0,"step":2,"policy_loss":{spelling}}}\n'
    assert line.decode().replace('"writer":1,', "") == expected
    assert repr(record.policy_loss) == repr(number)


def test_absent_nan_and_the_infinities_are_distinct() -> None:
    """Only an absent field is read back as None."""

    said = {"time": 1.0, "step": 2, "policy_loss": math.nan, "value_loss": math.inf, "entropy": -math.inf}
    back = codec_of(PolicyUpdate).unpack(codec_of(PolicyUpdate).pack(said)[1])
    found = (back.policy_loss, back.value_loss, back.entropy, back.kl_divergence)
    assert repr(found) == "(nan, inf, -inf, None)"


def test_absent_nan_and_the_infinities_are_distinct_in_dicts() -> None:
    """None is absent in a dict of custom values, and stays None in a tree."""

    said = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": None}
    back = codec_of(Episode).unpack(pack(extra=said, reward_parts=said, info={"deep": [said]})[1])
    assert repr(back.extra) == repr(back.reward_parts) == "{'a': nan, 'b': inf, 'c': -inf}"
    assert repr(back.info) == "{'deep': [{'a': nan, 'b': inf, 'c': -inf, 'd': None}]}"


def test_text_that_reads_like_a_number_stays_text() -> None:
    """A category named NaN stays a category, and the version "1.0" stays text."""

    back = codec_of(Episode).unpack(pack(category="NaN", termination_reason="null", extra={"version": "1.0"})[1])
    assert (back.category, back.termination_reason, back.extra) == ("NaN", "null", {"version": "1.0"})


def test_the_text_nan_in_a_dict_is_read_back_as_a_number() -> None:
    """In a dict of custom values, the three spellings are read back as numbers."""

    back = codec_of(Episode).unpack(pack(extra={"x": "NaN"}, info={"y": ["-Infinity"]})[1])
    assert repr((back.extra, back.info)) == "({'x': nan}, {'y': [-inf]})"


@pytest.mark.parametrize("reward", [1.0, math.nan], ids=["quick", "careful"])
def test_a_record_shares_nothing_with_its_caller(reward: float) -> None:
    """A later change to the caller's dict does not change the record."""

    extra = {"a": 1}
    info: dict[str, Any] = {"list": [1, {"deep": 2}], "dict": {"b": [3]}}
    record, _ = pack(reward=reward, extra=extra, info=info, parameters=extra)
    extra["a"] = 9
    info["list"][1]["deep"] = 9
    info["dict"]["b"].append(9)
    assert (record.extra, record.parameters) == ({"a": 1}, {"a": 1})
    assert record.info == {"list": [1, {"deep": 2}], "dict": {"b": [3]}}


def test_the_passed_values_are_not_modified() -> None:
    """Packing modifies neither the dict of fields nor the nested values."""

    said = episode(reward=math.nan, info={"tuple": (1, 2), 3: {4}}, extra={"none": None})
    before = repr(said)
    codec_of(Episode).pack(said)
    assert repr(said) == before


def test_a_record_is_one_line() -> None:
    """Line breaks in texts are escaped."""

    _, line = pack(category="a\nb\r\u2028c", info={"trace\n": "x\ny"})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")


@given(said_of(Episode, _ANY), st.randoms(use_true_random=False))
def test_a_torn_line_is_refused(said: dict[str, Any], random: Any) -> None:
    """A truncated line is never accepted as a whole one."""

    _, line = codec_of(Episode).pack(said)
    cut = random.randrange(len(line) - 1)
    with pytest.raises(RecordError, match="invalid record in stream episodes"):
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
    """The contents of a damaged file are refused with a RecordError and no other exception."""

    with pytest.raises(RecordError, match="invalid record in stream episodes"):
        codec_of(Episode).unpack(line)


def test_fields_of_a_later_release_are_ignored() -> None:
    """A line with an unknown field is read without that field."""

    line = b'{"time":1.0,"episode":7,"reward":"NaN","length":3,"mood":"good","moods":[1]}\n'
    assert repr(codec_of(Episode).unpack(line)) == repr(Episode(time=1.0, episode=7, reward=math.nan, length=3))


@pytest.mark.parametrize("kind", [Episode, PolicyUpdate, Scalars, Event])
def test_a_missing_field_is_named(kind: type[Record]) -> None:
    """A record without a required field is refused, and the message names the record and the field."""

    required = [field.name for field in fields(kind) if field.required]
    with pytest.raises(RecordError, match=f"^{kind.__name__}: {required[0]} is missing; pass a value for it$"):
        codec_of(kind).pack({})


def test_a_record_is_named_as_its_caller_knows_it() -> None:
    """The message names the episode or step of the record."""

    with pytest.raises(RecordError, match=r"^PolicyUpdate 12: entropy must be a number, got 'high' \(str\)$"):
        codec_of(PolicyUpdate).pack({"time": 1.0, "step": 12, "entropy": "high"})


def test_long_text_in_a_tree_is_kept_if_it_fits() -> None:
    """A traceback of thousands of characters is kept whole, even if another field is NaN."""

    text = "x" * 50_000
    assert pack(info={"trace": text})[0].info == {"trace": text}
    assert pack(reward=math.nan, info={"trace": text})[0].info == {"trace": text}


def test_text_that_does_not_fit_is_truncated() -> None:
    """Ten megabytes of text are truncated to a thousand characters, with a note of the original length."""

    record, line = pack(info={"page": "x" * 10_000_000, "n": 1}, category="y" * 10_000_000)
    assert record.info is not None
    assert record.info["page"] == "x" * 977 + "… (10000000 characters)"
    assert record.category is not None
    assert record.category.endswith("y… (10000000 characters)")
    assert len(record.category) == 1_000
    assert len(line) < 3_000


def test_a_record_that_is_too_large_is_refused() -> None:
    """Data that is too large even after truncation is refused with its size, the limit and the fix."""

    with pytest.raises(
        RecordError, match=rf"^Episode 7: the record has \d+ bytes, and at most {MAX_LINE} are allowed; .* artifacts"
    ):
        pack(info={"pixels": [1_000_000] * 132_000})


@pytest.mark.parametrize("reward", [1.0, math.nan], ids=["quick", "careful"])
def test_nesting_has_a_limit(reward: float) -> None:
    """A tree at the depth limit is accepted and a deeper one is refused, whatever the reward."""

    deepest = json.loads('{"a":' * MAX_DEPTH + "1" + "}" * MAX_DEPTH)
    assert pack(reward=reward, info=deepest)[0].info == deepest
    with pytest.raises(RecordError, match=r"^Episode 7: info is nested deeper than 64 levels; flatten it$"):
        pack(reward=reward, info={"a": deepest})


def test_wide_is_not_deep() -> None:
    """A tree with hundreds of small dicts, like the results of an evaluation, is kept unchanged."""

    items = {f"logo-{n}": {"quality": n / 7, "tries": [n, n]} for n in range(300)}
    assert pack(info=items)[0].info == items


def test_from_plain_refuses_a_missing_field() -> None:
    """A row of a sealed segment that lacks a field is refused, and the message names the field."""

    with pytest.raises(RecordError, match=r"Episode 3: .*`reward`"):
        codec_of(Episode).from_plain({"time": 1.0, "episode": 3})


def test_from_plain_accepts_nan() -> None:
    """NaN is a number in a sealed segment, and is accepted."""

    record = codec_of(Episode).from_plain(episode(reward=math.nan, reward_parts={"q": math.inf}))
    assert repr((record.reward, record.reward_parts)) == "(nan, {'q': inf})"
