"""The tensors of a state dict that PyTorch has saved, without PyTorch, and without what else a pickle may ask for.

A pickle is a program that builds objects by calling what it names. Here nothing that it names is called, ever: its
instructions are read one by one, and those of a state dict, and no others, build text, numbers, tuples, dicts and the
description of tensors. A tensor is a window of a storage: `offset`, `shape` and `strides`, in elements. Its elements lie
in the order of its strides, which need not be that of its shape.
"""

from __future__ import annotations

import io
import math
import pickletools
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from components.foreign import foreign

_LEGACY = (0x1950A86A20F9469CFC6C, 1001)
"""What the first two pickles of a file of before PyTorch 1.6 hold."""
_DICT, _TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
_STORAGES = {f"torch {name}Storage": np.dtype(kind) for name, kind in {"Float": "<f4", "Long": "<i8"}.items()}
_KNOWN = {_DICT, _TENSOR, *_STORAGES}
_MOST_AXES = 8


class BadTorchFile(ValueError):
    """A file that is no whole state dict of plain tensors, or asks for more than tensors."""


class _Name(str):
    """Of a class or function, which stays a name."""


@dataclass(frozen=True)
class _Storage:
    key: str
    kind: np.dtype[Any]
    size: int
    """In elements."""


class _Tensor(NamedTuple):
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


_MARK = object()


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a `.pth` file by their names: float32 or int64, read-only, views of `content`.

    Raises:
        BadTorchFile: it is damaged, or no state dict, or names anything but tensors.
    """
    with foreign(BadTorchFile, "not a whole PyTorch state dict"):
        read = _read_zip if zipfile.is_zipfile(io.BytesIO(content)) else _read_legacy
        described, storages = read(content)
        if not isinstance(described, dict):
            raise BadTorchFile(f"it holds {_told(described)}, expected a dict of tensors")
        return {name: _array(name, tensor, storages) for name, tensor in described.items()}


def _read_legacy(content: bytes) -> tuple[Any, Mapping[str, memoryview]]:
    """Five pickles (magic number, version, machine, state dict, keys), then of each key its number of elements and
    these, in the order of the keys."""
    file = io.BytesIO(content)
    if (_unpickled(file), _unpickled(file)) != _LEGACY:
        raise BadTorchFile("it does not begin as PyTorch's files do")
    _unpickled(file)
    claims: dict[str, _Storage] = {}
    described, keys, storages = _unpickled(file, claims), _unpickled(file), {}
    for key in map(str, keys):
        size = int.from_bytes(file.read(8), "little")
        length = size * claims[key].kind.itemsize
        begin = file.tell()
        storages[key] = memoryview(content)[begin : begin + length]
        file.seek(begin + length)
    return described, storages


def _read_zip(content: bytes) -> tuple[Any, Mapping[str, memoryview]]:
    """`*/data.pkl`, and the elements of each storage in `*/data/KEY`."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        # As PyTorch writes them: what is packed, or lies on other entries, could be any amount when unpacked.
        packed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries)
        if packed or sum(entry.file_size for entry in entries) > len(content):
            raise BadTorchFile("its entries are packed, as PyTorch's never are")
        names = archive.namelist()
        [pickled] = [name for name in names if name.count("/") == 1 and name.endswith("/data.pkl")]
        folder = pickled.removesuffix(".pkl") + "/"
        storages = {
            name.removeprefix(folder): memoryview(archive.read(name)) for name in names if name.startswith(folder)
        }
        return _unpickled(io.BytesIO(archive.read(pickled))), storages


def _array(name: str, tensor: Any, storages: Mapping[str, memoryview]) -> np.ndarray:
    if not isinstance(tensor, _Tensor):
        raise BadTorchFile(f"{name} is {_told(tensor)}, expected a tensor")
    storage, offset, shape, strides = tensor
    found = storages[storage.key]
    if len(found) != storage.size * storage.kind.itemsize:
        raise BadTorchFile(
            f"{name}: its storage {storage.key} has {len(found)} bytes, {storage.size} x {storage.kind} are claimed"
        )
    numbers = (offset, *shape, *strides)
    plain = all(type(number) is int and number >= 0 for number in numbers)
    if not plain or len(shape) != len(strides) or len(shape) > _MOST_AXES:
        raise BadTorchFile(f"{name}: no tensor has the offset {offset}, the shape {shape} and the strides {strides}")
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))
    if 0 in shape or last >= storage.size or math.prod(shape) > storage.size:
        raise BadTorchFile(
            f"{name}: the offset {offset}, the shape {shape} and the strides {strides} lead beyond its storage of "
            f"{storage.size} elements"
        )
    elements = np.frombuffer(found, storage.kind)[offset:]
    steps = [stride * storage.kind.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(elements, shape, steps, writeable=False)


def _unpickled(file: io.BytesIO, claims: dict[str, _Storage] | None = None) -> Any:
    """What the next pickle of a file describes. `claims` takes the storages that it names, by their keys."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for operation, argument, _ in pickletools.genops(file):
        match operation.name:
            case "PROTO":
                pass
            case "STOP":
                [described] = stack
                return described
            case "MARK":
                stack.append(_MARK)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[operation.name])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" | "BINUNICODE":
                stack.append(argument)
            case "BINPUT" | "LONG_BINPUT":
                memo[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(memo[argument])
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT":
                stack.append({"EMPTY_TUPLE": (), "EMPTY_LIST": [], "EMPTY_DICT": {}}[operation.name])
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
                if argument not in _KNOWN:
                    raise BadTorchFile(f"it asks for {argument.replace(' ', '.')}, which is no part of a tensor")
                stack.append(_Name(argument))
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
        raise BadTorchFile(f"it appends to {_told(stack[-1])}")
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
        if isinstance(storage, _Storage) and isinstance(shape, tuple) and isinstance(strides, tuple):
            return _Tensor(storage, offset, shape, strides)
    raise BadTorchFile(f"it calls {_told(name)} as no tensor is built")


def _storage(named: Any) -> _Storage:
    what, kind, key, _, size, *_ = named
    if what == "storage" and isinstance(kind, _Name) and kind in _STORAGES and isinstance(key, str) and type(size) is int and size >= 0:
        return _Storage(key, _STORAGES[kind], size)
    raise BadTorchFile(f"it names {_told(named)}, expected a storage")


def _told(value: Any) -> str:
    return value.replace(" ", ".") if isinstance(value, _Name) else f"a {type(value).__name__.lstrip('_')}"
