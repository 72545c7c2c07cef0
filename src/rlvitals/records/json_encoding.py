"""Strict JSON: numbers that are not finite are the texts "NaN", "Infinity" and "-Infinity", as in a run's files."""

from typing import Any

import msgspec

from rlvitals.records.coercion import spelled

_encode = msgspec.json.Encoder(enc_hook=str).encode


def strict_json(payload: Any) -> bytes:
    """A payload as one line of strict JSON."""
    return _encode(spelled(msgspec.to_builtins(payload, enc_hook=str, str_keys=True)))
