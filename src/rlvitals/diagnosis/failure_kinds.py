"""Kinds of exceptions that end a training, recognised by their text, with the advice for each."""

import re
from typing import NamedTuple

_RESUME = "Resume from the last checkpoint."
_MOST_CHARACTERS = 200


class FailureKind(NamedTuple):
    """A kind of exception that ends a training.

    Attributes:
        pattern: Regular expression that is found in the type and message of these exceptions.
        advice: What to do.
    """

    pattern: re.Pattern[str]
    advice: str


INTERRUPT = FailureKind(
    re.compile(r"^KeyboardInterrupt\b"),
    "If the training was not long enough, resume from the last checkpoint.",
)
"""The user stopped the training, which is not a failure."""

NON_FINITE = FailureKind(
    re.compile(
        r"^(?!KeyError|FileNotFoundError|ImportError|ModuleNotFoundError|AttributeError)"  # `nan` can be a name there
        r".*(\bnan\b|\binf\b|found invalid values|expects all elements of std|non-?finite|not finite)",
        re.IGNORECASE | re.DOTALL,
    ),
    "Find out where a value became non-finite: see the finding `non-finite`.",
)

_OUT_OF_MEMORY = FailureKind(
    re.compile(r"out ?of ?memory|\b_?(Array)?MemoryError\b|cannot allocate memory|unable to allocate", re.IGNORECASE),
    "Reduce the batch size, the rollout length, the replay buffer or the number of environments. Check whether another "
    f"process uses the memory, or whether it grew during the training. {_RESUME}",
)

_DISK_FULL = FailureKind(
    re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE),
    f"Free disk space, and keep fewer checkpoints and videos. {_RESUME}",
)

_SUBPROCESS = FailureKind(
    re.compile(r"^(EOFError$|(BrokenPipeError|ConnectionResetError|BrokenProcessPool)\b)"),  # a pipe gives no message
    "A subprocess, such as a worker of a vectorized environment, probably ended first. Look for its exception in the "
    "output of the training, or run the environments in one process (`DummyVecEnv`, `SyncVectorEnv`).",
)

_EXIT = FailureKind(re.compile(r"^SystemExit\b"), "Look in the output of the training for the reason of the exit.")

OTHER = FailureKind(re.compile(""), f"Correct the error in the line that the traceback names. {_RESUME}")

_KINDS = (INTERRUPT, _OUT_OF_MEMORY, _DISK_FULL, _SUBPROCESS, NON_FINITE, _EXIT, OTHER)
"""All kinds. The first one whose pattern is found applies."""


def kind_of(failure: str) -> FailureKind:
    """Return the kind of an exception.

    Args:
        failure: Type and message of the exception (`Failure.text`).
    """
    return next(kind for kind in _KINDS if kind.pattern.search(failure))


def is_interrupt(failure: str) -> bool:
    """Return whether the user interrupted the training."""
    return kind_of(failure) is INTERRUPT


def shortened_failure(failure: str) -> str:
    """Return the type and message of an exception on one line of limited length."""
    line = " ".join(failure.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS].rstrip()} ..."
