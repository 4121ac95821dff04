"""What a pickle of PyTorch describes, without calling anything that it names.

A pickle is a program that builds objects by calling what it names. Here its instructions are read one by one, and those
of a state dict, and no others, build text, numbers, tuples, lists, dicts and descriptions of tensors; a name stays one.
"""

from __future__ import annotations

import io
import pickletools
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

_DICT, _TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
_STORAGES = {f"torch {name}Storage": np.dtype(kind) for name, kind in {"Float": "<f4", "Long": "<i8"}.items()}
_KNOWN = {_DICT, _TENSOR, *_STORAGES}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


class BadTorchFile(ValueError):
    """A file that is no whole state dict of plain tensors, or asks for more than tensors."""


class _Name(str):
    """Of a class or function."""


@dataclass(frozen=True)
class Storage:
    """Elements in a row."""

    key: str
    kind: np.dtype[Any]
    size: int
    """In elements."""


class Tensor(NamedTuple):
    """A window of a storage: element `(i, j)` is the one at `offset + i * strides[0] + j * strides[1]`."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_MARK = object()


def described(file: io.BytesIO, claims: dict[str, Storage] | None = None) -> Any:
    """What the next pickle of a file describes. `claims` takes the storages that it names, by their keys.

    Raises:
        BadTorchFile: it asks for anything that is no part of a state dict; whatever else it is not raises what it does.
    """
    stack: list[Any] = []
    memo: dict[Any, Any] = {}
    for operation, argument, _ in pickletools.genops(file):
        match operation.name:
            case "PROTO":
                pass
            case "STOP":
                [whole] = stack
                return whole
            case "MARK":
                stack.append(_MARK)
            case "NONE" | "NEWTRUE" | "NEWFALSE" | "EMPTY_TUPLE":
                stack.append(_CONSTANTS[operation.name])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINUNICODE":
                stack.append(argument)
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "EMPTY_LIST" | "EMPTY_DICT":
                stack.append([] if operation.name == "EMPTY_LIST" else {})
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(_popped(stack, int(operation.name[-1]))))
            case "TUPLE":
                stack.append(tuple(_since_mark(stack)))
            case "APPENDS":
                _extend(stack, _since_mark(stack))
            case "SETITEM":
                _update(stack, _popped(stack, 2))
            case "SETITEMS":
                _update(stack, _since_mark(stack))
            case "GLOBAL":
                stack.append(_known(str(argument)))
            case "REDUCE":
                stack.append(_built(*_popped(stack, 2)))
            case "BINPERSID":
                storage = _storage(stack.pop())
                (claims if claims is not None else {})[storage.key] = storage
                stack.append(storage)
            case "BUILD":
                stack.pop()  # what PyTorch notes of the versions of its modules
            case other:
                raise BadTorchFile(f"it has the instruction {other}, of which no tensor is built")
    raise BadTorchFile("its end is missing")


def _known(name: str) -> _Name:
    if name not in _KNOWN:
        raise BadTorchFile(f"it asks for {name.replace(' ', '.')}, which is no part of a tensor")
    return _Name(name)


def _popped(stack: list[Any], count: int) -> list[Any]:
    if len(stack) < count:
        raise BadTorchFile("it takes more than it has made")
    values = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return values


def _since_mark(stack: list[Any]) -> list[Any]:
    values = []
    while (value := stack.pop()) is not _MARK:
        values.append(value)
    return values[::-1]


def _extend(stack: list[Any], values: list[Any]) -> None:
    if not isinstance(stack[-1], list):
        raise BadTorchFile(f"it appends to {told(stack[-1])}")
    stack[-1].extend(values)


def _update(stack: list[Any], values: list[Any]) -> None:
    names = values[::2]
    if not isinstance(stack[-1], dict) or not all(isinstance(name, str) for name in names):
        raise BadTorchFile("it sets what is no item of a dict by a name")
    stack[-1].update(zip(names, values[1::2], strict=True))


def _built(name: Any, arguments: Any) -> Any:
    if name == _DICT and arguments == ():
        return {}
    if isinstance(name, _Name) and name == _TENSOR and isinstance(arguments, tuple):
        # What follows tells how it was trained.
        storage, offset, shape, strides, *_ = arguments
        if isinstance(storage, Storage) and isinstance(shape, tuple) and isinstance(strides, tuple):
            return Tensor(storage, offset, shape, strides)
    raise BadTorchFile(f"it calls {told(name)} as no tensor is built")


def _storage(named: Any) -> Storage:
    what, kind, key, _, size, *_ = named
    if (
        what == "storage"
        and isinstance(kind, _Name)
        and kind in _STORAGES
        and isinstance(key, str)
        and type(size) is int
        and size >= 0
    ):
        return Storage(key, _STORAGES[kind], size)
    raise BadTorchFile(f"it names {told(named)}, expected a storage")


def told(value: Any) -> str:
    """A value in few words."""
    return value.replace(" ", ".") if isinstance(value, _Name) else f"a {type(value).__name__}"
