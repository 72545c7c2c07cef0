"""The command line as typed, for the reproduction section of reports."""

import shlex
from collections.abc import Collection
from pathlib import Path

import typer


def typed(context: typer.Context, *, without: Collection[str] = ()) -> str:
    """Return the command as typed, after a `cd` to its working directory. Options at their defaults are omitted.

    Args:
        context: Context of the command.
        without: Names of the parameters that affect only the form of the output.
    """
    words: list[str] = []
    for parameter in context.command.params:
        name = parameter.name or ""
        value, source = context.params.get(name), context.get_parameter_source(name)
        if name in without or value is None or source is None or source.name == "DEFAULT":
            continue
        values = [str(one) for one in (value if isinstance(value, list | tuple) else [value])]
        if parameter.param_type_name == "argument":
            words = [*values, *words]
        elif value is True:
            words.append(parameter.opts[-1])
        else:
            words += [word for one in values for word in (parameter.opts[-1], one)]
    return f"cd {shlex.quote(str(Path.cwd()))}\n{shlex.join(['rlvitals', context.command.name or '', *words])}"
