"""Exceptions of rlvitals.

RlvitalsError
├── RecordError (ValueError)         invalid value in a record; names the field, the value and the fix
├── RunError
│   ├── RunNameError (ValueError)    run name that is not a valid folder name
│   ├── RunNotFoundError             no run at the path
│   ├── RunExistsError               a run or another file already has the name
│   ├── RunLockedError               another process is writing to the run
│   ├── RunFormatError               not a run folder, a damaged one, or one with a newer format
│   └── ReadInterruptedError         reading stopped because the run or the interpreter is closing
├── ColumnError (KeyError)           unknown column of a stream
├── QueryError (ValueError)          invalid SQL query
├── ComparisonError (ValueError)     runs that cannot be compared as requested
├── ClosedError (RuntimeError)       write after close; reading still works
├── NotPicklableError (TypeError)    object that holds an open run, copied or sent to another process
├── ExportError                      export that cannot be written
│   └── ExportExistsError            the path of an export already exists
├── ImportFormatError                file to import that is damaged or contains no readable run
├── SinkError                        sink that cannot be created, or failed on close
└── MissingExtraError (ImportError)  optional dependency that is not installed; names the extra
"""


class RlvitalsError(Exception):
    """Base class of all exceptions that rlvitals raises deliberately."""


class RecordError(RlvitalsError, ValueError):
    """An invalid value in a record."""


class RunError(RlvitalsError):
    """Base class of errors about a run folder."""


class RunNameError(RunError, ValueError):
    """A run name that is not a valid folder name."""


class RunNotFoundError(RunError):
    """No run at the path."""


class RunExistsError(RunError):
    """A run or another file already has the name."""


class RunLockedError(RunError):
    """Another process is writing to the run."""


class RunFormatError(RunError):
    """A folder that is not a run folder, is damaged, or uses a newer format."""


class ReadInterruptedError(RunError):
    """Reading stopped because the run or the interpreter is closing."""


class ColumnError(RlvitalsError, KeyError):
    """An unknown column of a stream."""

    def __str__(self) -> str:
        return Exception.__str__(self)  # a KeyError would put its message in quotes


class QueryError(RlvitalsError, ValueError):
    """An invalid SQL query."""


class ComparisonError(RlvitalsError, ValueError):
    """Runs that cannot be compared as requested."""


class ClosedError(RlvitalsError, RuntimeError):
    """A write after close."""


class NotPicklableError(RlvitalsError, TypeError):
    """An object that holds an open run was copied or sent to another process."""

    @classmethod
    def of(cls, what: str) -> "NotPicklableError":
        """Create the error.

        Args:
            what: Name of the object, as it appears in the message.
        """
        return cls(
            f"{what} cannot be copied or used in another process, because only one process can write to a run. Create "
            "it in the process that trains. Wrap the vector environment with VitalsVectorWrapper, or pass "
            "VitalsCallback to Stable-Baselines3, and do not wrap the environments inside SubprocVecEnv or "
            "AsyncVectorEnv."
        )


class ExportError(RlvitalsError):
    """An export that cannot be written."""


class ExportExistsError(ExportError):
    """The path of an export already exists."""


class ImportFormatError(RlvitalsError):
    """A file to import that is damaged or contains no readable run."""


class SinkError(RlvitalsError):
    """A sink that cannot be created, or failed on close."""


class MissingExtraError(RlvitalsError, ImportError):
    """An optional dependency that is not installed.

    Args:
        feature: Feature that needs the dependency, as it appears in the message.
        extra: Extra of rlvitals that installs the dependency.
        module: Module that could not be imported.
    """

    def __init__(self, feature: str, *, extra: str, module: str) -> None:
        super().__init__(f"{feature} needs the package {module!r}. Install it with: pip install 'rlvitals[{extra}]'")
        self.extra = extra
