"""Windows and blending: worked by hand, and as the exported graph stitches."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components.imaging.geometry.placement import Placement
from components.inference.blending import BLENDS
from components.inference.windows import blended, windows_of
from components.records.settings import Derivation, Tiles
from components.serving_graph.preprocessing import predict_image

HEIGHT, WIDTH = 32, 48
CASES = [
    pytest.param({}, id="letterbox"),
    pytest.param({"fit": "stretch"}, id="stretch"),
    pytest.param({"fit": "crop"}, id="crop"),
    *(
        pytest.param({"tiles": Tiles(overlap=7, edge=edge)}, id=f"tiles, {edge}")
        for edge in ("overlap", "pad", "stretch")
    ),
]


def derivation(**changes: object) -> Derivation:
    return Derivation.model_validate({"height": HEIGHT, "width": WIDTH, **changes})


def test_the_mean_of_two_windows_by_hand() -> None:
    left, right = (Placement(1, 5, 1, 5, 0, -first, 1, 3) for first in (0, 2))
    answers = [np.float32([0.2, 0.4, 0.6]).reshape(1, 3, 1), np.float32([0.8, 1.0, 0.0]).reshape(1, 3, 1)]
    assert blended(answers, [left, right])[0, :, 0] == pytest.approx([0.2, 0.4, 0.7, 1.0, 0.0])


def test_blends_of_two_windows_by_hand() -> None:
    """Middles at 1 and 3: the pixel between them is as far from both, and the first one's."""
    left, right = (Placement(1, 5, 1, 5, 0, -first, 1, 3) for first in (0, 2))
    answers = [np.full((1, 3, 1), value, np.float32) for value in (0.2, 0.8)]
    found = {name: blended(answers, [left, right], blend)[0, :, 0] for name, blend in BLENDS.items()}
    assert found["mean"] == pytest.approx([0.2, 0.2, 0.5, 0.8, 0.8])
    assert found["gaussian"] == pytest.approx([0.2, 0.2, 0.5, 0.8, 0.8])
    assert found["cut"] == pytest.approx([0.2, 0.2, 0.2, 0.8, 0.8])


def test_a_window_counts_less_towards_its_border_and_is_cut_half_way() -> None:
    first, second = (Placement(24, 16, 24, 16, -top, 0, 16, 16) for top in (0, 8))
    answers = [np.zeros((16, 16, 1), np.float32), np.ones((16, 16, 1), np.float32)]
    column = blended(answers, [first, second], BLENDS["gaussian"])[:, 5, 0]
    # sigma is 2 pixels; rows 8 and 15 of the first window are 0.5 and 7.5 from its middle.
    far, near = np.exp(-0.5 * (np.array([7.5, 0.5]) / 2) ** 2)
    assert column[8] == pytest.approx(far / (near + far))
    assert column[15] == pytest.approx(near / (near + far))
    assert blended(answers, [first, second], BLENDS["cut"])[:, 5, 0].tolist() == [0] * 12 + [1] * 12


@pytest.mark.parametrize("changes", CASES)
@pytest.mark.parametrize("blend", BLENDS)
def test_what_all_windows_agree_on_is_the_answer(blend: str, changes: dict) -> None:
    settings = derivation(**changes)
    places = windows_of(90, 101, (HEIGHT, WIDTH), settings)
    answers = [np.full((HEIGHT, WIDTH, 2), 0.5, np.float32)] * len(places)
    found = blended(answers, places, BLENDS[blend])
    looked = found[..., 1] > 0
    assert found[looked] == pytest.approx(0.5)
    assert looked.all() or settings.fit == "crop"


def test_where_no_window_looks_is_background() -> None:
    crop = Placement(1, 4, 1, 4, 0, -1, 1, 2)
    one = blended([np.full((1, 2, 1), 0.9, np.float32)], [crop])
    assert one[0, :, 0] == pytest.approx([0, 0.9, 0.9, 0])
    several = blended([np.full((1, 2, 3), 1 / 3, np.float32)], [crop])
    assert several[0, 0] == pytest.approx([1, 0, 0])
    assert several[0, 1] == pytest.approx([1 / 3] * 3)


def test_an_answer_for_each_window_and_no_more() -> None:
    window = Placement(1, 2, 1, 2, 0, 0, 1, 2)
    with pytest.raises(ValueError, match="zip"):
        blended([np.zeros((1, 2, 1), np.float32)] * 2, [window])


@pytest.mark.parametrize("changes", CASES)
@pytest.mark.parametrize("size", [(32, 48), (90, 101), (20, 31), (200, 64)])
def test_it_is_what_the_exported_graph_answers(size: tuple[int, int], changes: dict) -> None:
    """By a model of three classes whose answer depends on the place in the window, and on the whole image."""
    settings = derivation(**changes)
    image = np.random.default_rng(0).random((*size, 1), np.float32)
    ramp = np.random.default_rng(1).random((HEIGHT, WIDTH, 3), np.float32)

    def answer(windows: tf.Tensor, moments: tf.Tensor | None) -> tf.Tensor:
        mean = 0.0 if moments is None else moments[:, 0, None, None, None]
        return tf.nn.softmax((windows - mean) * ramp * 5)

    expected = predict_image(answer, tf.constant(image), HEIGHT, WIDTH, 3, settings).numpy()
    places = windows_of(*size, (HEIGHT, WIDTH), settings)
    content = places[0].scaled(image)
    windows = tf.constant(np.stack([place.placed(content) for place in places]))
    moments = tf.constant([[content.mean(), content.std()]] * len(places), tf.float32) if settings.tiles else None
    found = blended(answer(windows, moments).numpy(), places)
    assert found.shape == (*size, 3)
    np.testing.assert_allclose(found, expected, atol=2e-5)
