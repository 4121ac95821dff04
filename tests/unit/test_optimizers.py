"""Every optimizer that a config may name, made of its settings."""

import keras
import pytest

from components.trainer.choices import optimizer_named
from components.trainer.optimizers.registry import OPTIMIZERS


@pytest.mark.parametrize("clip_value", [None, 0.5])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_has_its_learning_rate_and_cuts_gradients_where_it_is_told_to(
    name: str, clip_value: float | None
) -> None:
    optimizer = optimizer_named(name, 0.02, clip_value)
    assert isinstance(optimizer, keras.Optimizer)
    assert float(optimizer.learning_rate) == pytest.approx(0.02)
    assert optimizer.clipvalue == clip_value
