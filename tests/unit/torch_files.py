"""Files as PyTorch saves state dicts, and as it never would, put together by hand."""

from __future__ import annotations

import io
import zipfile

import numpy as np

MAGIC = b"\x80\x02\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little") + b"."


def name(module: str, item: str) -> bytes:
    return f"c{module}\n{item}\n".encode()


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def number(value: int) -> bytes:
    return b"J" + value.to_bytes(4, "little", signed=True)


def pair(*items: bytes) -> bytes:
    return b"(" + b"".join(items) + b"t"


def storage(size: int, kind: str = "FloatStorage", key: str = "0") -> bytes:
    return pair(text("storage"), name("torch", kind), text(key), text("cpu"), number(size), b"N") + b"Q"


def tensor(shape: tuple[int, ...], strides: tuple[int, ...], size: int = 6, offset: int = 0) -> bytes:
    sizes, steps = (pair(*map(number, numbers)) for numbers in (shape, strides))
    hooks = name("collections", "OrderedDict") + b")R"
    return (
        name("torch._utils", "_rebuild_tensor_v2")
        + pair(storage(size), number(offset), sizes, steps, b"\x89", hooks)
        + b"R"
    )


def state(described: bytes, key: str = "weight") -> bytes:
    """The pickle of a dict with one entry."""
    return b"\x80\x02" + name("collections", "OrderedDict") + b")R(" + text(key) + described + b"u."


def legacy(pickled: bytes, elements: np.ndarray) -> bytes:
    """As before PyTorch 1.6; one storage, called 0."""
    version, machine, keys = b"\x80\x02M\xe9\x03.", b"\x80\x02}.", b"\x80\x02](" + text("0") + b"e."
    return MAGIC + version + machine + pickled + keys + elements.size.to_bytes(8, "little") + elements.tobytes()


def zipped(pickled: bytes, elements: np.ndarray, compression: int = zipfile.ZIP_STORED) -> bytes:
    """As today."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        archive.writestr("model/data.pkl", pickled)
        archive.writestr("model/data/0", elements.tobytes())
    return content.getvalue()
