"""What can go wrong, as types.

RlvitalsError
├── RecordError (ValueError)         a value that no record can hold; names the field, the value and the way out
├── RunError
│   ├── RunNameError (ValueError)    a name that cannot be a folder's name
│   ├── RunNotFoundError             there is no run at that place
│   ├── RunExistsError               a run is there, and may not be touched
│   ├── RunLockedError               another process writes to that run
│   ├── RunFormatError               a folder that is corrupt, foreign, or of a newer format
│   └── ReadInterruptedError         reading was cut short because a run or the interpreter is closing
├── ColumnError (KeyError)            a column that a stream does not have
├── QueryError (ValueError)           a question in SQL that cannot be answered
├── ComparisonError (ValueError)     runs that cannot be compared so, or must not be
├── ClosedError (RuntimeError)       a write after close; reading still works
├── NotPicklableError (TypeError)    what holds an open run can be neither copied nor sent to another process
├── ExportError                      a file that a run could not be written to
├── ImportFormatError                a file that holds no run that can be read, or is damaged
├── SinkError                        a destination that could not be opened, or failed on close
└── MissingExtraError (ImportError)  an optional dependency is not installed; names the extra
"""


class RlvitalsError(Exception):
    """The root: everything that this package raises on purpose."""


class RecordError(RlvitalsError, ValueError):
    """A value that no record can hold."""


class RunError(RlvitalsError):
    """Something about a run folder."""


class RunNameError(RunError, ValueError):
    """A run's name that cannot be the name of a folder."""


class RunNotFoundError(RunError):
    """No run at that place."""


class RunExistsError(RunError):
    """A run is there already, and may not be touched."""


class RunLockedError(RunError):
    """Another process is writing to that run."""


class RunFormatError(RunError):
    """A folder that is not a run, is damaged, or comes from a newer release."""


class ReadInterruptedError(RunError):
    """Reading that was cut short because a run or the interpreter is closing."""


class ColumnError(RlvitalsError, KeyError):
    """A column that a stream does not have."""

    def __str__(self) -> str:
        return Exception.__str__(self)  # a KeyError would put its message in quotes


class QueryError(RlvitalsError, ValueError):
    """A question in SQL that is wrong, or is none."""


class ComparisonError(RlvitalsError, ValueError):
    """Runs that cannot be compared as was asked, or must not be."""


class ClosedError(RlvitalsError, RuntimeError):
    """A write after close."""


class NotPicklableError(RlvitalsError, TypeError):
    """What holds an open run can be neither copied nor sent to another process."""

    @classmethod
    def of(cls, what: str) -> "NotPicklableError":
        """Make the error.

        Args:
            what: What was to be copied or sent, as the user would say it.
        """
        return cls(
            f"{what} cannot be copied or used in another process: it holds a run that one process writes. Record in "
            "that process: wrap the vector environment with VitalsVectorWrapper, or give VitalsCallback to "
            "Stable-Baselines3, and leave the environments inside SubprocVecEnv or AsyncVectorEnv as they are."
        )


class ExportError(RlvitalsError):
    """A file that a run could not be written to."""


class ImportFormatError(RlvitalsError):
    """A file that holds no run that can be read, or that is damaged."""


class SinkError(RlvitalsError):
    """A sink that could not be made, or failed."""


class MissingExtraError(RlvitalsError, ImportError):
    """An optional dependency that is not installed.

    Args:
        feature: What needs it, as the user would say it.
        extra: The extra of this distribution that brings it.
        module: The module that could not be imported.
    """

    def __init__(self, feature: str, *, extra: str, module: str) -> None:
        super().__init__(f"{feature} needs the package {module!r}: install it with  pip install 'rlvitals[{extra}]'")
        self.extra = extra
