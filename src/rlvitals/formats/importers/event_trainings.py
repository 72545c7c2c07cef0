"""The trainings that wrote the event files of a folder: a script can run several times with the same folder.

TensorBoard itself draws such trainings as one line, unless the program sets `purge_step`.
"""

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers.event_files import event_files
from rlvitals.records.tag_reader import is_episode_length, is_fraction
from rlvitals.records.training_parts import tag_in, tag_prefix_of
from rlvitals.sinks.lazy_destination import load, require

_LOADER = "tensorboard.backend.event_processing.event_file_loader"
_BEGINNING = 0.1
"""Share of the earlier steps of a tag that counts as its beginning. The first episode ends at another step in each
training, and a training that goes on from a checkpoint rarely goes back that far."""

_Key = TypeVar("_Key", bound=Hashable)


class StepRange(NamedTuple):
    """Number of values of a tag, and their lowest and highest step."""

    values: int
    first: int
    last: int


class EventFileSummary:
    """Times of an event file, and the steps of its tags.

    A summary takes a pass over the file. Its size depends on the number of tags, not on the number of events.

    Args:
        file: Path of the event file.

    Attributes:
        file: Path of the event file.
        started: Earliest time of an event (UTC, seconds since 1970).
        ended: Latest time of an event (UTC, seconds since 1970).
        steps: Steps by tag.
        mean_lengths: Tags of episode lengths with a value that is not a whole number.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.started, self.ended = math.inf, -math.inf
        self.steps: dict[str, StepRange] = {}
        self.mean_lengths: set[str] = set()
        lengths: dict[str, str] = {}
        for event in load(_LOADER).LegacyEventFileLoader(str(file)).Load():
            self.started, self.ended = min(self.started, event.wall_time), max(self.ended, event.wall_time)
            for value in event.summary.value:
                if value.tag not in self.steps and is_episode_length(tag := tag_in(file.parent, value.tag)):
                    lengths[value.tag] = tag
                _join(self.steps, value.tag, StepRange(1, event.step, event.step))
                if value.tag in lengths and is_fraction(_number_in(value)):
                    self.mean_lengths.add(lengths[value.tag])


class EventTraining:
    """Event files of one training.

    Args:
        first: Its first file.

    Attributes:
        first: The file that starts it. A file of an evaluation can be older.
        files: Its files, the oldest first.
    """

    def __init__(self, first: EventFileSummary) -> None:
        self.files: list[EventFileSummary] = []
        self.first = first
        self._ended = -math.inf
        self._steps: dict[tuple[Path, str], StepRange] = {}
        self.add(first)

    def add(self, file: EventFileSummary) -> None:
        """Add a file."""
        self.files.append(file)
        self._ended = max(self._ended, file.ended)
        for tag, steps in file.steps.items():
            _join(self._steps, (file.file.parent, tag), steps)

    def is_followed_by(self, file: EventFileSummary) -> bool:
        """Return whether a file belongs to a later training: it starts the steps again after all events until now.

        The steps of a resumed training go on, or go back to a checkpoint. Writers of one training that log at the same
        time, such as those of several processes, overlap in time.
        """
        if file.started < self._ended:
            return False
        starts = [
            steps.first <= known.first + _BEGINNING * (known.last - known.first)
            for tag, steps in file.steps.items()
            if (known := self._steps.get((file.file.parent, tag))) is not None and known.last > 0
        ]
        return 2 * sum(starts) > len(starts)


class TrainingFiles(NamedTuple):
    """Event files of one of the trainings at a path.

    Attributes:
        files: Event files, the oldest first.
        first: The file that starts the training. A file of an evaluation can be older.
        summaries: Summaries of the files, if they have been read.
        why: Sentence with the reason why the files are not those of the training before. Empty for the first training.
    """

    files: Sequence[Path]
    first: Path
    summaries: Sequence[EventFileSummary] = ()
    why: str = ""


def trainings_in(files: Sequence[EventFileSummary]) -> list[EventTraining]:
    """Return the trainings that wrote event files, the oldest first.

    A file of an evaluation never starts a training, because a model can be evaluated several times. It belongs to the
    last training that started before the file ended.

    Args:
        files: Event files of a folder and its parts, the oldest first. At least one.
    """
    others = [file for file in files if not tag_prefix_of(file.file.parent)] or files[:1]
    trainings: list[EventTraining] = []
    for file in others:
        if not trainings or trainings[-1].is_followed_by(file):
            trainings.append(EventTraining(file))
        else:
            trainings[-1].add(file)
    for file in files:
        if file not in others:
            of = [training for training in trainings if training.first.started <= file.ended]
            (of or trainings[:1])[-1].add(file)
    for training in trainings:
        training.files.sort(key=files.index)
    return trainings


def trainings_at(path: Path) -> list[TrainingFiles]:
    """Return the event files of each training at a path.

    Raises:
        ImportFormatError: There are none.
        MissingExtraError: TensorBoard is not installed.
    """
    files = event_files(path)
    if not files:
        raise ImportFormatError(f"{path}: found no TensorBoard event file")
    folders = Counter(file.parent for file in files if not tag_prefix_of(file.parent))
    # Only a folder with several files can have several trainings. Otherwise the files are not read for this.
    if not any(number > 1 for number in folders.values()):
        return [TrainingFiles(files, files[0])]
    require("tensorboard", feature="TensorBoard", extra="tensorboard")
    found: list[TrainingFiles] = []
    for training in trainings_in([EventFileSummary(file) for file in files]):
        why = restart_between(found[-1].summaries, training) if found else ""
        found.append(TrainingFiles([one.file for one in training.files], training.first.file, training.files, why))
    return found


def restart_between(before: Sequence[EventFileSummary], training: EventTraining) -> str:
    """Return the sentence that says where a training starts the steps again after the files of the one before."""
    last = max(before, key=lambda file: file.ended)
    return f"The steps in {training.first.file} start again after {last.file} ended."


def mean_lengths_in(files: Iterable[EventFileSummary]) -> frozenset[str]:
    """Return the tags of episode lengths that are means of several episodes."""
    return frozenset[str]().union(*(file.mean_lengths for file in files))


def tags_without_steps(files: Sequence[EventFileSummary]) -> frozenset[str]:
    """Return the tags with several values, all at step 0. TensorBoard writes this step if the program logs none."""
    found: dict[str, StepRange] = {}
    for file in files:
        for tag, steps in file.steps.items():
            _join(found, tag, steps)
    return frozenset(tag for tag, of in found.items() if of.values > 1 and of.first == of.last == 0)


def _join(ranges: dict[_Key, StepRange], key: _Key, steps: StepRange) -> None:
    known = ranges.get(key)
    if known is not None:
        steps = StepRange(known.values + steps.values, min(known.first, steps.first), max(known.last, steps.last))
    ranges[key] = steps


def _number_in(value: Any) -> float | None:
    """Return a number as its file has it. `None` for other values."""
    if value.HasField("simple_value"):
        return float(value.simple_value)
    array = load("tensorboard.util.tensor_util").make_ndarray(value.tensor) if value.HasField("tensor") else None
    return float(array.item()) if array is not None and array.size == 1 and array.dtype.kind in "fiu" else None
