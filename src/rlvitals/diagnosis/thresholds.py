"""Thresholds of the rules, with unit and meaning; the rule reference lists them."""

import dis
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, Self

_PACKAGE = __name__.rpartition(".")[0]
_LARGE, _SMALL = 1_000.0, 1e-3


class Threshold(float):
    """A decision threshold, usable as a plain float. Its text includes the unit.

    Args:
        value: Number. A share is a number from 0 to 1.
        unit: Unit; `%` shows a share as a percentage. Empty for a ratio or a metric without a unit.
        meaning: What the threshold decides, and why it has this value.
    """

    unit: str
    meaning: str

    def __new__(cls, value: float, unit: str, meaning: str) -> Self:
        """Create the threshold."""
        made = super().__new__(cls, value)
        made.unit, made.meaning = unit, meaning
        return made

    def __reduce__(self) -> tuple[type[Self], tuple[float, str, str]]:
        """Return the class and arguments to make a copy."""
        return type(self), (float(self), self.unit, self.meaning)

    def __str__(self) -> str:
        """Format the number with its unit."""
        if self.unit == "%":
            return f"{100.0 * self:g} %"
        size = abs(self)
        if size >= _LARGE:
            digits = f"{self:,.0f}"
        elif 0.0 < size < _SMALL:
            mantissa, _, exponent = f"{float(self):e}".partition("e")
            digits = f"{float(mantissa):g}e{int(exponent)}"
        else:
            digits = f"{float(self):.4g}"
        return f"{digits} {self.unit.removesuffix('s') if self == 1.0 else self.unit}".rstrip()

    def __format__(self, spec: str) -> str:
        """Format like a float; without a format specification, like `str`."""
        return float(self).__format__(spec) if spec else str(self)


def thresholds_of(function: Callable[..., Any]) -> dict[str, Threshold]:
    """Find the thresholds that a function reads, directly or through other functions of this package.

    Args:
        function: Function, such as the `judge` of a rule.

    Returns:
        Thresholds by the name of their constant without a leading underscore, in the order of first use.
    """
    found: dict[str, Threshold] = {}
    seen: set[FunctionType] = set()

    def visit(called: FunctionType) -> None:
        if called in seen:
            return
        seen.add(called)
        for name, value in _globals_read(called.__code__, called.__globals__):
            if isinstance(value, Threshold):
                found.setdefault(name.lstrip("_"), value)
            elif isinstance(value, FunctionType) and value.__module__.startswith(_PACKAGE):
                visit(value)

    assert isinstance(function, FunctionType)
    for default in (function.__kwdefaults__ or {}).values():
        assert not isinstance(default, Threshold), (
            "a default value is not found; read the threshold in the body of the function"
        )
    visit(function)
    return found


def thresholds_in(module: ModuleType) -> dict[str, Threshold]:
    """List the thresholds that a module defines or imports, by the name of their constant."""
    return {name.lstrip("_"): value for name, value in vars(module).items() if isinstance(value, Threshold)}


def _globals_read(code: CodeType, names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the names and values of globals that code reads, and of attributes of this package's modules."""
    module: ModuleType | None = None
    for instruction in dis.get_instructions(code):
        name = instruction.argval
        if module is not None and instruction.opname in {"LOAD_ATTR", "LOAD_METHOD"}:
            yield name, getattr(module, name)
        module = None
        if instruction.opname == "LOAD_GLOBAL" and name in names:
            value = names[name]
            if isinstance(value, ModuleType) and value.__name__.startswith(_PACKAGE):
                module = value
            else:
                yield name, value
        elif isinstance(name, CodeType):  # a comprehension or an inner function
            yield from _globals_read(name, names)
