"""The tensors of a state dict that PyTorch has saved, without PyTorch.

Elements lie in the order of a tensor's strides, which need not be that of its shape.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from components.foreign import foreign
from components.trainer.encoders.torch_pickle import BadTorchFile, Storage, Tensor, described, told

_LEGACY = (0x1950A86A20F9469CFC6C, 1001)
"""What the first two pickles of a file of before PyTorch 1.6 hold."""
_MOST_AXES = 8


def read_tensors(content: bytes) -> dict[str, np.ndarray]:
    """The tensors of a `.pth` file by their names: float32 or int64, read-only, views of `content`.

    Raises:
        BadTorchFile: it is damaged, or no state dict, or names anything but tensors.
    """
    with foreign(BadTorchFile, "not a whole PyTorch state dict"):
        read = _read_zip if zipfile.is_zipfile(io.BytesIO(content)) else _read_legacy
        state, storages = read(content)
        if not isinstance(state, dict):
            raise BadTorchFile(f"it holds {told(state)}, expected a dict of tensors")
        return {name: _array(name, tensor, storages) for name, tensor in state.items()}


def _read_legacy(content: bytes) -> tuple[Any, Mapping[str, memoryview]]:
    """Five pickles (magic number, version, machine, state dict, keys), then of each key its number of elements and
    these, in the order of the keys."""
    file = io.BytesIO(content)
    if (described(file), described(file)) != _LEGACY:
        raise BadTorchFile("it does not begin as PyTorch's files do")
    described(file)
    claims: dict[str, Storage] = {}
    state, keys, storages = described(file, claims), described(file), {}
    for key in map(str, keys):
        size = int.from_bytes(file.read(8), "little")
        length = size * claims[key].kind.itemsize
        begin = file.tell()
        storages[key] = memoryview(content)[begin : begin + length]
        file.seek(begin + length)
    return state, storages


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
        return described(io.BytesIO(archive.read(pickled))), storages


def _array(name: str, tensor: Any, storages: Mapping[str, memoryview]) -> np.ndarray:
    if not isinstance(tensor, Tensor):
        raise BadTorchFile(f"{name} is {told(tensor)}, expected a tensor")
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
