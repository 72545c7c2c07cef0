"""Samples of tried parameters are bounded, and do not depend on how episodes arrive."""

import numpy as np

from rlvitals.diagnosis.attempt_samples import MOST_RECENT, MOST_SPACED, AttemptSamples, rows_in
from rlvitals.records.attempt_rows import AttemptRow


def row(at: int) -> AttemptRow:
    return AttemptRow({"a": at}, {"reward": float(at)})


def added(*batches: int, attempts: int = 4) -> AttemptSamples:
    """Return samples of batches of episodes, each with some attempts of the value of its number."""
    samples, first = AttemptSamples(), 0
    for size in batches:
        start = first
        samples.extend(size, lambda at, start=start: (True, "x", [row(start + at)] * attempts))  # type: ignore[misc]
        first += size
    return samples


def test_samples_are_bounded_and_cover_the_run() -> None:
    """Evenly spaced rows reach from the first to nearly the last episode, and recent rows end with the last one."""

    samples = added(*[997] * 20)
    spaced, recent = samples.spaced(), samples.recent()
    assert spaced is not None
    assert recent is not None
    assert MOST_SPACED // 2 - 4 < len(spaced.rows) <= MOST_SPACED
    assert len(recent.rows) == MOST_RECENT
    tried = spaced.parameters["a"].values
    assert np.unique(np.diff(np.unique(tried))).size == 1
    assert (tried.min(), recent.parameters["a"].values.max()) == (0.0, 19_939.0)


def test_the_size_of_batches_does_not_matter() -> None:
    """One episode at a time and all together give the same rows."""

    one, all_together = added(*[1] * 3000), added(3000)
    for name in ("spaced", "recent"):
        a, b = getattr(one, name)(), getattr(all_together, name)()
        assert a.rows == b.rows
        np.testing.assert_array_equal(a.items, b.items)


def test_recent_rows_are_those_of_the_last_quarter() -> None:
    """A short run does not report its beginning as recent."""

    recent = added(40).recent()
    assert recent is not None
    assert recent.parameters["a"].values.min() == 30.0


def test_only_kept_episodes_are_read() -> None:
    """Decoding a text is expensive, so texts that are not sampled are not decoded."""

    samples, read = AttemptSamples(), []

    def rows(at: int) -> tuple[bool, str | None, list[AttemptRow]]:
        read.append(at)
        return True, None, [row(at)]

    samples.extend(100_000, rows)
    assert len(set(read)) < 4 * MOST_SPACED


def test_attempts_take_precedence_over_episodes() -> None:
    """Episodes that report only their parameters are left out of a run with attempts."""

    samples = AttemptSamples()
    samples.extend(2, lambda at: (at == 1, None, [row(at)]))
    spaced = samples.spaced()
    assert spaced is not None
    assert (spaced.unit, [one.parameters["a"] for one in spaced.rows]) == ("attempt", [1])


def test_single_attempts_are_not_compared_within_episodes() -> None:
    """Items are given only if episodes have several rows."""

    single, several = added(10, attempts=1).spaced(), added(10).spaced()
    assert single is not None
    assert several is not None
    assert single.items is None
    assert several.items is not None


def test_an_episode_without_attempts_is_one_row() -> None:
    """Its outcomes are those of the episode."""

    assert rows_in(None, {"a": 1}, {"reward": 2.0, "size": None}) == (False, [AttemptRow({"a": 1}, {"reward": 2.0})])
    assert rows_in(None, None, {"reward": 2.0}) == (False, ())


def test_an_analysis_is_repeated_when_the_run_has_grown() -> None:
    """A result is computed again after a growth by a quarter."""

    samples, made = added(100), []
    for size in (0, 20, 5, 5):
        samples.extend(size, lambda at: (True, None, [row(at)]))
        samples.cached("name", lambda: made.append(samples.episodes))
    assert made == [100, 125]
