"""Barrel and pincushion lenses: radial maps of a disc onto itself."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

import numpy as np

_BARREL_CORE, _PINCUSHION_CORE = 0.001, 0.03


@dataclass(frozen=True)
class Lens:
    """Takes distance r from its centre from r * g(r), g = (sin^2 + e^2 cos^2)^(amount / 2) of pi r / (2 radius).

    It is the identity from `radius` on, with the same slope there. Amounts above 0 magnify the middle (barrel), below
    0 shrink it (pincushion). With e = 0 this is r * sin(pi r / (2 radius))^amount, whose slope at the centre is 0 for
    a barrel and infinite for a pincushion; e = 0.001 and 0.03 keep it at e^amount (2.9 for a pincushion of -0.3).

    It never folds for amount > -1: with t = pi r / (2 radius), the slope of r g is
    g * (1 + amount * (1 - e^2) t sin t cos t / (sin^2 t + e^2 cos^2 t)); the fraction is at least 0 and at most
    t cot t <= 1, so the slope is positive. It and g are the singular values of the map in the plane.
    """

    x: float
    """Centre over the width, 0 to 1."""
    y: float
    """Centre over the height, 0 to 1."""
    radius: float
    """Over the shorter side of the image."""
    amount: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, astuple(self))) or not self.amount > -1 or not self.radius > 0:
            raise ValueError(
                f"{self}: expected finite numbers, an amount above -1 (beyond it folds) and a radius above 0"
            )

    def bend(self, map_x: np.ndarray, map_y: np.ndarray, height: int, width: int) -> None:
        """Replaces pixel coordinates of points, float32, by those that the lens takes them from.

        `height` and `width` are those of the source.
        """
        radius = self.radius * min(height, width)
        # Continuous coordinates x * width have their origin at a pixel's corner, maps have it at its centre.
        centre_x, centre_y = np.float32(self.x * width - 0.5), np.float32(self.y * height - 0.5)
        across, down = map_x - centre_x, map_y - centre_y
        square = across * across + down * down
        inside = square < radius * radius
        core = _BARREL_CORE if self.amount > 0 else _PINCUSHION_CORE
        sine = np.sin(np.sqrt(square[inside]) * np.float32(math.pi / 2 / radius))
        factor = (core**2 + (1 - core**2) * sine * sine) ** np.float32(self.amount / 2)
        map_x[inside] = centre_x + across[inside] * factor
        map_y[inside] = centre_y + down[inside] * factor
