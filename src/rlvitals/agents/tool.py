"""A tool of the server: its name, its arguments, its document, and the function that computes it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from rlvitals.agents.answer_size import shortened
from rlvitals.errors import RlvitalsError
from rlvitals.outputs.json_schema import Schema, input_schema, json_schema
from rlvitals.records.json_encoding import strict_json
from rlvitals.runs.search import confined_to


class ToolArgumentError(RlvitalsError):
    """Arguments that a tool does not accept."""


class ToolAnswer(NamedTuple):
    """The answer of a tool.

    Attributes:
        document: Document, as a command prints it with `--json`.
        notes: What the reader of the document should know, a sentence each.
    """

    document: Any
    notes: Sequence[str] = ()


class Tool(NamedTuple):
    """A tool of the server.

    Attributes:
        name: Name of the tool.
        title: Title for people.
        arguments: Struct of its arguments. Its docstring describes the tool.
        documents: Types of its document, as in `rlvitals.outputs.command_outputs.OUTPUTS`.
        answer: Function of the arguments and of the folder of runs.
        is_reading: Whether the tool changes nothing.
    """

    name: str
    title: str
    arguments: type[msgspec.Struct]
    documents: tuple[Any, ...]
    answer: Callable[[Any, Path], ToolAnswer]
    is_reading: bool = True

    @property
    def input_schema(self) -> Schema:
        """JSON Schema of the arguments."""
        return input_schema(self.arguments)

    @property
    def output_schema(self) -> Schema:
        """JSON Schema of the result."""
        schema = json_schema(*self.documents)
        document = {key: schema.pop(key) for key in ("$ref", "anyOf") if key in schema}
        return {
            "$schema": schema["$schema"],
            "type": "object",
            "properties": {
                "document": document,
                "notes": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "What was shortened or skipped, a sentence each.",
                },
            },
            "required": ["document", "notes"],
            "additionalProperties": False,
            "$defs": schema["$defs"],
        }

    def call(self, arguments: dict[str, Any], folder: Path) -> dict[str, Any]:
        """Compute the result, which `output_schema` describes. No run outside of the folder is read or changed.

        Args:
            arguments: Arguments by name.
            folder: Folder of runs.

        Raises:
            RlvitalsError: The arguments are invalid, the run cannot be read, or the answer is too large.
            OSError: A file cannot be read.
        """
        try:
            msgspec.json.encode(arguments)
        except UnicodeEncodeError:
            raise ToolArgumentError(
                f"the arguments of {self.name} have lone surrogates, which are invalid Unicode: {arguments!a:.200}; "
                "remove them"
            ) from None
        try:
            checked = msgspec.convert(arguments, self.arguments)
        except msgspec.ValidationError as error:
            raise ToolArgumentError(
                f"{error}. The arguments of {self.name} are {', '.join(self.arguments.__struct_fields__)}."
            ) from None
        with confined_to(folder):
            answer = self.answer(checked, folder)
        document, notes = shortened(msgspec.json.decode(strict_json(answer.document)))
        return {"document": document, "notes": [*answer.notes, *notes]}
