"""What keeps a recorded text from steering a terminal, and words in lines."""

from rlvitals.render import terminal_text


def test_recorded_text_cannot_steer_the_terminal() -> None:
    """Escape sequences are shown, not obeyed."""
    assert terminal_text.escape_control("a\x1b[31mb\x07\nc") == r"a\x1b[31mb\x07\nc"


def test_words_are_packed_without_being_broken() -> None:
    """A word that is too long has a line of its own."""
    assert terminal_text.packed(["aa", "bb", "a-long-one", "c"], 8) == ["aa  bb", "a-long-one", "c"]
