"""Truth and weights of side outputs; that they are trained and not served says the harness of every architecture."""

from __future__ import annotations

import numpy as np
import pytest
from epochs import trainer_settings

from components.errors import UsageError
from components.task import Task
from components.trainer.augmentation import change_on_device
from components.trainer.choices import compile_model, loss_named
from components.trainer.deep_supervision import build_supervised, loss_weights, truth_for
from components.trainer.settings import Model
from pipeline.config.loader import load_config


def test_weights_halve_and_add_up_to_one() -> None:
    assert loss_weights(1) == [1]
    assert loss_weights(3) == pytest.approx([4 / 7, 2 / 7, 1 / 7])


def test_truth_of_a_coarser_output_is_the_pixel_in_the_middle() -> None:
    truth = np.arange(4 * 8, dtype=np.float32).reshape(1, 4, 8, 1)
    np.testing.assert_array_equal(truth_for(np.zeros((1, 4, 8, 2)), truth), truth)
    np.testing.assert_array_equal(
        truth_for(np.zeros((1, 2, 4, 2)), truth)[0, ..., 0], [[9, 11, 13, 15], [25, 27, 29, 31]]
    )
    np.testing.assert_array_equal(truth_for(np.zeros((1, 1, 2, 2)), truth)[0, ..., 0], [[18, 22]])


def test_what_is_ignored_changes_no_side_output() -> None:
    """Under pixels to be ignored truth may be anything, at every scale."""
    task = Task(ignores=True)
    loss = loss_named("ce_dice", task)
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (2, 16, 16, 1)).astype(np.float32)
    truth[:, :8] = 255
    for side in (16, 8, 4):
        found = rng.random((2, side, side, 1), np.float32)
        other = found.copy()
        other[:, : side // 2] = rng.random((2, side // 2, side, 1))
        np.testing.assert_array_equal(*(loss(truth_for(each, truth), each) for each in (found, other)))


@pytest.mark.parametrize("form", ["images", "parts", "changed on the device"])
def test_it_trains_on_every_form_of_batch(form: str) -> None:
    model = build_supervised(
        1, Model(parameters={"levels": 4, "base_filters": 2, "normalisation": "none"}), Task(), 0.3
    )
    compile_model(model, trainer_settings(learning_rate=0.01))
    model.run_eagerly = True
    rng = np.random.default_rng(0)
    images, truth = rng.random((2, 16, 24, 1), np.float32), rng.integers(0, 2, (2, 16, 24, 1)).astype(np.float32)
    batch = (images, truth) if form == "images" else ((images, np.float32([[0.5, 0.3]] * 2)), truth)
    if form == "changed on the device":
        batch = (*batch, np.float32([[1, 0, 1.5, 0.8, 0.1]] * 2))
    before = model.get_weights()
    seen = change_on_device(*batch) if len(batch) == 3 else batch
    given = seen[0] if isinstance(seen[0], tuple) else (seen[0],)
    outputs = model.heads(model.standardize(*given))
    losses = [float(np.mean(model.loss(truth_for(found, seen[1]), found))) for found in outputs]
    logs = model.train_step(batch)
    assert float(logs["loss"]) == pytest.approx((2 * losses[0] + losses[1]) / 3, rel=1e-5)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert np.mean([np.any(old != new) for old, new in zip(before, model.get_weights(), strict=True)]) > 0.8


@pytest.mark.parametrize("levels", [2, 3])
def test_a_network_without_side_outputs_to_judge_is_an_error(levels: int) -> None:
    with pytest.raises(UsageError, match=rf"deep_supervision: \[model\] unet has {levels - 2} side outputs"):
        load_config("demo", ["training.deep_supervision=true", f"model.parameters.levels={levels}"])
    assert load_config("demo", ["training.deep_supervision=true"]).training.deep_supervision
