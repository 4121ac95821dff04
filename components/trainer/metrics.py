"""Metrics watched during training."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("maskline")
class ForegroundDice(keras.metrics.Metric):
    """Mean over images of Dice between truth and thresholded probability; images without foreground are left out."""

    def __init__(self, threshold: float = 0.5, name: str = "dice", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.threshold = threshold
        self._total = self.add_weight(name="total", initializer="zeros")
        self._cases = self.add_weight(name="cases", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch: truth of 0 and 1 and probabilities, both `(N, H, W, 1)`."""
        axes = (1, 2, 3)
        truth = ops.cast(y_true, "float32")
        predicted = ops.cast(y_pred >= self.threshold, "float32")
        true_pixels = ops.sum(truth, axes)
        dice = 2 * ops.sum(truth * predicted, axes) / ops.maximum(true_pixels + ops.sum(predicted, axes), 1)
        counted = ops.cast(true_pixels > 0, "float32")
        self._total.assign_add(ops.sum(dice * counted))
        self._cases.assign_add(ops.sum(counted))

    def result(self) -> Any:
        return self._total / ops.maximum(self._cases, 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}
