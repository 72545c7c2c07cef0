"""Images that a run logged, as bytes to embed in a page."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rlvitals.records import Event
from rlvitals.runs import Run
from rlvitals.runs.artifacts import IMAGE, artifact, media_type

MOST_PICTURES = 24
_MOST_BYTES = 2_000_000
_MOST_IN_ALL = 12_000_000


class RunImage(NamedTuple):
    """An image.

    Attributes:
        title: Title.
        group: Name that related images share, such as the object they show. Empty if there is none.
        media: Media type, detected from the first bytes.
        content: Contents of the file.
        env_step: Environment step at which it was made.
        facts: Numbers and short texts that were logged with it.
    """

    title: str
    group: str
    media: str
    content: bytes
    env_step: int | None
    facts: dict[str, object]


def pictures_of(run: Run, events: Iterable[Event]) -> list[RunImage]:
    """Return the last images of a run, oldest first. Missing, invalid and oversized files are skipped.

    Args:
        run: The run.
        events: Events of the run.
    """
    found: list[RunImage] = []
    size = 0
    for event in reversed([one for one in events if one.kind == IMAGE]):
        data = event.data if isinstance(event.data, Mapping) else {}
        content = _content(run, data.get("file"))
        media = None if content is None else media_type(content)
        if content is None or media is None or size + len(content) > _MOST_IN_ALL:
            continue
        size += len(content)
        found.append(RunImage(*_named(event.message, data), media, content, event.env_step, _facts(data)))
        if len(found) == MOST_PICTURES:
            break
    return found[::-1]


def _named(message: str, data: Mapping[str, object]) -> tuple[str, str]:
    name, group = data.get("name"), data.get("group")
    return (name if isinstance(name, str) else message), (group if isinstance(group, str) else "")


def _facts(data: Mapping[str, object]) -> dict[str, object]:
    facts = {name: data[name] for name in ("caption", "bytes") if name in data}
    metrics = data.get("metrics")
    return {**facts, **{str(name): value for name, value in metrics.items()}} if isinstance(metrics, Mapping) else facts


def _content(run: Run, name: object) -> bytes | None:
    return artifact(run, name, _MOST_BYTES) if isinstance(name, str) else None
