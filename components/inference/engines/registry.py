"""The one list of faster engines, TensorFlow in another precision among them. Importing it imports none of them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from components.errors import UsageError
from components.foreign import foreign


@dataclass(frozen=True)
class Kind:
    """A faster engine."""

    precisions: tuple[str, ...]
    """In which it can compute."""
    extra: str
    """Of our package, which installs it; empty: it is always there."""
    runs: tuple[str, ...]
    """Modules that answering takes."""
    converts: tuple[str, ...]
    """Modules that converting takes."""


TENSORFLOW = "tensorflow"
AUTO = "auto"
ENGINES: Mapping[str, Kind] = {
    TENSORFLOW: Kind(("bfloat16",), "", (), ()),
    "openvino": Kind(("float32", "bfloat16", "int8"), "fast", ("openvino",), ("openvino", "nncf")),
    "onnx": Kind(("float32",), "onnx", ("onnxruntime",), ("onnxruntime", "onnx", "tf2onnx")),
}
PRECISIONS = ("float32", "bfloat16", "int8")
FORMS: Mapping[str, tuple[str, str]] = {
    f"{engine}-{precision}": (engine, precision) for engine, kind in ENGINES.items() for precision in kind.precisions
}
"""Engine and precision of each form that a model can be converted to, such as `openvino-int8`."""


def form_named(engine: str, precision: str) -> str:
    """What an engine with a precision is called, such as `openvino-int8`.

    Raises:
        UsageError: there is none.
    """
    if engine not in ENGINES:
        raise UsageError(f"engine {engine!r}: expected one of {', '.join(ENGINES)}")
    if precision not in ENGINES[engine].precisions:
        precisions = ", ".join(ENGINES[engine].precisions)
        raise UsageError(f"{engine} in {precision!r}: models are converted to it in {precisions}")
    return f"{engine}-{precision}"


def parts_of(form: str) -> tuple[str, str]:
    """Engine and precision of what `chosen` has named."""
    return FORMS.get(form, (TENSORFLOW, "float32"))


def module_name(engine: str) -> str:
    """Of the module here that has it."""
    return f"{__package__}.{engine}"


def is_installed(engine: str) -> bool:
    """Whether it can answer here."""
    return all(find_spec(module) for module in ENGINES[engine].runs)


def refuse_missing(engine: str, converts: bool = False) -> None:
    """Looks for what answering takes, or converting, and imports nothing of it.

    Raises:
        UsageError: it is not installed.
    """
    kind = ENGINES[engine]
    missing = [module for module in (kind.converts if converts else kind.runs) if not find_spec(module)]
    if missing:
        raise UsageError(f"the engine {engine} is not installed: {', '.join(missing)} missing: {_install(engine)}")


def engine_module(engine: str, converts: bool = False) -> ModuleType:
    """The module here that has an engine.

    Raises:
        UsageError: what it takes is not installed, or does not work here.
    """
    refuse_missing(engine, converts)
    # OpenVINO tells its makers that it is used, unasked, where it finds this module.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None is how Python forbids an import
    with foreign(UsageError, f"the engine {engine} cannot be imported", MemoryError, remedy=_install(engine)):
        for module in ENGINES[engine].runs:
            import_module(module)
        return import_module(module_name(engine))


def _install(engine: str) -> str:
    return f"pip install 'maskline[{ENGINES[engine].extra}]'"
