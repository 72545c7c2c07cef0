"""Tones of statuses, severities and verdicts."""

_BY_TONE = {
    "good": ("running", "improving", "converged", "better"),
    "watch": (
        "stalled", "paused", "preempted", "warning", "left out", "different", "not the same", "not enough runs",
        "not comparable",
    ),
    "bad": ("failed", "crashed", "critical", "counts as worst", "declining", "worse"),
    "neutral": ("the same",),
    "quiet": (
        "info", "no difference shown", "not shown to be the same", "not decided yet", "not enough data",
    ),
}  # fmt: skip
TONES = {word: tone for tone, words in _BY_TONE.items() for word in words}
"""Tone of each word: good, watch, bad, neutral or quiet. Other words have no tone."""
