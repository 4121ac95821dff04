"""What training computes in, by what the machine says of itself."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from epochs import MODEL

from components.task import Task
from components.trainer.models.architecture import Architecture
from components.trainer.models.encoder_unet.parameters import EncoderUNet
from components.trainer.models.unet.parameters import UNet
from components.trainer.precision import Precision, of_accelerators, of_processor, precision_for
from components.trainer.segmenter import build_segmenter

OLD = "processor\t: {}\nmodel name\t: AMD EPYC\nflags\t\t: fpu sse4_2 avx2 fma\nbugs\t\t: sysret\n"
NEW = OLD.replace("avx2", "avx2 avx512f avx512_bf16")
BFLOAT16 = Precision("bfloat16", "test")


@pytest.mark.parametrize(
    ("cpuinfo", "name", "reason"),
    [
        (OLD + OLD, "float32", "auto: this processor has no bfloat16"),
        (NEW + NEW, "bfloat16", "auto: this processor computes in bfloat16 (avx512_bf16)"),
        (
            OLD.replace("fma", "avx512_bf16 amx_bf16"),
            "bfloat16",
            "auto: this processor computes in bfloat16 (amx_bf16, avx512_bf16)",
        ),
        # A machine of two kinds of core may run any thread on any.
        (NEW + OLD, "float32", "auto: this processor has no bfloat16"),
        ("processor : 0\nFeatures : fp asimd\n", "float32", "auto: this processor has no bfloat16"),
        # As a word, not as a part of one.
        (OLD.replace("fma", "no_avx512_bf16"), "float32", "auto: this processor has no bfloat16"),
        ("", "float32", "auto: this processor has no bfloat16"),
    ],
)
def test_of_a_processor(cpuinfo: str, name: str, reason: str) -> None:
    assert of_processor(cpuinfo).as_json() == {"precision": name, "precision_reason": reason}


@pytest.mark.parametrize(
    ("capabilities", "name", "reason"),
    [
        ({"GPU:0": (8, 0)}, "bfloat16", "auto: GPU:0 compute in bfloat16"),
        ({"GPU:0": (9, 0), "GPU:1": (8, 6)}, "bfloat16", "auto: GPU:0, GPU:1 compute in bfloat16"),
        (
            {"GPU:0": (9, 0), "GPU:1": (7, 5)},
            "float32",
            "auto: GPU:1 has no bfloat16: compute capability 7.5, 8.0 is needed",
        ),
        ({"GPU:0": None}, "float32", "auto: whether GPU:0 computes in bfloat16 is not known"),
    ],
)
def test_of_accelerators(capabilities: dict[str, tuple[int, int] | None], name: str, reason: str) -> None:
    assert of_accelerators(capabilities) == Precision(name, reason)


@pytest.mark.parametrize("wanted", ["float32", "bfloat16"])
def test_what_a_config_says_is_taken_whatever_the_machine(wanted: str) -> None:
    assert precision_for(wanted, ["CPU:0"], UNet(base_filters=8)) == Precision(
        wanted, f'[training] precision = "{wanted}"'
    )


@pytest.mark.parametrize(
    ("architecture", "gains"),
    [
        (UNet(), True),
        (UNet(base_filters=32), True),
        (UNet(base_filters=8), False),
        (UNet(base_filters=24), False),
        (EncoderUNet(), False),
        (EncoderUNet(encoder="vgg16"), True),
        (EncoderUNet(encoder="resnet50", decoder_filters=24), False),
        (EncoderUNet(encoder="efficientnet_b0"), False),
    ],
)
def test_a_processor_trains_in_float32_what_bfloat16_makes_slower(architecture: Architecture, gains: bool) -> None:
    assert architecture.gains_by_bfloat16 is gains
    found = precision_for("auto", ["CPU:0"], architecture).reason
    assert (found == "auto: on a processor this network would be slower in bfloat16") is not gains


def test_layers_alone_that_are_built_within_compute_in_it() -> None:
    with BFLOAT16.building():
        model = build_segmenter(1, MODEL, Task())
    assert keras.config.dtype_policy().name == "float32"
    assert build_segmenter(1, MODEL, Task()).network.layers[1].compute_dtype == "float32"
    assert {layer.compute_dtype for layer in model.network.layers[1:-1]} == {"bfloat16"}
    assert model.network.layers[-1].compute_dtype == model.standardize.compute_dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}


def test_after_an_error_layers_compute_as_before() -> None:
    with pytest.raises(KeyboardInterrupt), BFLOAT16.building():
        raise KeyboardInterrupt
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.parametrize("of_parts", [False, True])
def test_dark_images_with_little_contrast_are_not_rounded_before_they_are_standardised(of_parts: bool) -> None:
    """Twelve bits at the upper end of the range: bfloat16 has eight, and would see one value."""
    rng = np.random.default_rng(0)
    images = (0.9 + 0.0005 * rng.random((2, 32, 48, 1))).astype(np.float32)
    inputs = (images, np.float32([[images.mean(), images.std()]] * 2)) if of_parts else images
    found = []
    for precision in (BFLOAT16, Precision("float32", "test")):
        keras.utils.set_random_seed(1)
        with precision.building():
            found.append(np.asarray(build_segmenter(1, MODEL, Task())(inputs)))
    assert found[0].dtype == np.float32
    assert np.corrcoef(found[0].ravel(), found[1].ravel())[0, 1] > 0.99
