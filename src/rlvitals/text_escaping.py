"""Escaping of recorded texts, so that they cannot control a terminal, forge a line or change the text direction."""

import logging
import unicodedata


def escape_control(text: str, *, keep: str = "") -> str:
    r"""Escape every invisible character of a text, such as `\n`, `\x1b` or `\u202e`.

    Invisible characters are control characters (C0, C1), line and paragraph separators, marks that change the text
    direction, zero-width characters and lone surrogates. Spaces of other widths become plain spaces.

    Args:
        text: Text from any source.
        keep: Characters to leave unchanged.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in keep else _shown(sign) for sign in text)


def escape_log_line(record: logging.LogRecord) -> bool:
    """Escape a log record, so that it is one line that is safe to print. This is a `logging` filter."""
    message = record.getMessage()
    if not message.isprintable():
        record.msg, record.args = escape_control(message), None
    return True


def _shown(sign: str) -> str:
    return " " if unicodedata.category(sign) == "Zs" else sign.encode("unicode_escape").decode("ascii")
