"""Documents of `rlvitals compare --json`: a comparison, or the rank of a single run among earlier ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from rlvitals.comparison import Comparison, Divergence, HistoryRank, compare, first_divergence, rank_in_history
from rlvitals.comparison.run_selection import single_run
from rlvitals.outputs.flat_struct import flat, flattened
from rlvitals.outputs.report_output import WrittenFile, written_file
from rlvitals.runs import find_runs

_TWO = 2


class _Additions(msgspec.Struct, frozen=True, kw_only=True):
    """Additional keys of a comparison.

    Attributes:
        divergence: First difference between two single runs. `None` for other comparisons.
        reports: Reports that were written. Absent if none was requested.
    """

    divergence: Divergence | None
    reports: list[WrittenFile] | msgspec.UnsetType = msgspec.UNSET


ComparedRuns = flat("ComparedRuns", "Comparison of groups of runs.", Comparison, _Additions)


class Compared(NamedTuple):
    """A comparison, and where its runs diverge if it compares two single runs."""

    comparison: Comparison
    divergence: Divergence | None


def compared(words: Sequence[str], folder: Path, **options: Any) -> Compared | HistoryRank:
    """Compare groups of runs, or rank a single run among the earlier runs in the folder.

    Args:
        words: Runs, folders of runs or patterns; `NAME=RUN` names a group.
        folder: Folder of runs.
        options: Options of `rlvitals.compare`.

    Raises:
        ComparisonError: The runs cannot be compared.
        RunError: A run cannot be read.
    """
    single = [run for word in words if (run := single_run(word, folder)) is not None]
    if len(words) == len(single) == 1 and options.get("unit", "run") == "run":
        earlier, _ = find_runs(folder) if folder.is_dir() else ([], [])
        return rank_in_history(
            single[0], earlier, options.get("metric", "reward"), axis=options.get("axis") or "env_step"
        )
    found = compare(*words, folder=folder, **options)
    return Compared(found, first_divergence(*single) if len(words) == len(single) == _TWO else None)


def compared_runs(found: Compared | HistoryRank, written: Sequence[Path] = ()) -> Any:
    """Return a comparison as a document.

    Args:
        found: Result of `compared`.
        written: Reports that were written.
    """
    if isinstance(found, HistoryRank):
        return found
    reports = {"reports": [written_file(path) for path in written]} if written else {}
    return flattened(ComparedRuns, found.comparison, {"divergence": found.divergence, **reports})
