"""Recorded texts, made safe to print: they steer no terminal, forge no line and turn no direction of writing."""

import logging
import unicodedata


def escape_control(text: str, *, keep: str = "") -> str:
    r"""A text in which every character that cannot be seen is shown as an escape: `\n`, `\x1b`, `\u202e`.

    These are control characters (C0, C1), line and paragraph separators, marks that turn the direction of writing,
    characters without width, and lone surrogates. Spaces of other widths become plain ones.

    Args:
        text: A text that anyone may have written.
        keep: Characters that stay as they are.
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() or sign in keep else _shown(sign) for sign in text)


def escape_log_line(record: logging.LogRecord) -> bool:
    """Make a log record one line that is safe to print; a filter of `logging`."""
    message = record.getMessage()
    if not message.isprintable():
        record.msg, record.args = escape_control(message), None
    return True


def _shown(sign: str) -> str:
    return " " if unicodedata.category(sign) == "Zs" else sign.encode("unicode_escape").decode("ascii")
