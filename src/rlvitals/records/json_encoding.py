"""Strict JSON, with non-finite numbers as the strings "NaN", "Infinity" and "-Infinity", as in the files of a run."""

from typing import Any

import msgspec

from rlvitals.records.coercion import spelled

_encode = msgspec.json.Encoder(enc_hook=str).encode


def strict_json(payload: Any) -> bytes:
    """Encode a payload as one line of strict JSON."""
    return _encode(spelled(msgspec.to_builtins(payload, enc_hook=str, str_keys=True)))
