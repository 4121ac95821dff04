"""Smooth random displacement fields: drawn on a coarse grid, carried by cubic B-splines, limited so that none folds.

Amplitudes are relative to the shorter side of the image, so a field means the same at every size. Its cost does
not depend on its smoothness.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import scipy

MAX_SLOPE = 0.9
"""Largest Frobenius norm of the derivative of a displacement, see `displacement`."""

_NODES_PER_INTERVAL, _MIN_NODES = 3, 48
_STRIP = 2**17
"""Pixels of a map that are made at a time: few enough to stay in the processor's cache."""


@dataclass(frozen=True)
class Field:
    """A random displacement, the same whenever it is drawn from the same numbers at the same aspect ratio."""

    amplitude: float
    """Root mean square length of the displacement over the shorter side of the image."""
    grid: int
    """Intervals between control points along the shorter side; more make it rougher."""
    seed: int = 0
    gradient: bool = False
    """Displaces along the gradient of a smooth random field (without curl) instead of in free directions."""

    def __post_init__(self) -> None:
        if not 0 <= self.amplitude < 1 or self.grid < 1 or self.seed < 0:
            raise ValueError(f"{self}: expected an amplitude in [0, 1), a grid of at least 1 and a seed of at least 0")


def mesh_step(fields: Sequence[Field], height: int, width: int) -> int:
    """Pixels between the nodes of the mesh that carries these fields: at most a third of a control interval."""
    nodes = max([_MIN_NODES, *(_NODES_PER_INTERVAL * field.grid for field in fields)])
    return max(1, min(height, width) // nodes)


@lru_cache(maxsize=32)
def mesh_nodes(size: int, step: int) -> np.ndarray:
    """Pixel coordinates of the mesh nodes along a side of `size` pixels, float32; each pixel lies between two."""
    return (np.arange((size - 1) // step + 2) * step - (0.5 if step % 2 == 0 else 0.0)).astype(np.float32)


def upsampled(mesh: np.ndarray, step: int, height: int, width: int) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
    """The two planes of a `(2, rows, columns)` float32 mesh at each pixel, bilinear between its nodes.

    Yields strips from top to bottom: their rows, and two `(n, width)` float32 that last until the next strip. Linear
    functions are reproduced.
    """
    nodes = max(1, _STRIP // (width * step))
    # cv2.resize makes each node the middle of step x step pixels: what lies before the first node is cut off.
    margin = step // 2
    buffer = np.empty((2, (nodes + 1) * step, mesh.shape[2] * step), np.float32)
    for top in range(0, height, nodes * step):
        block = mesh[:, top // step : top // step + nodes + 1]
        for plane, pixels in zip(block, buffer, strict=True):
            cv2.resize(plane, (pixels.shape[1], len(plane) * step), dst=pixels[: len(plane) * step])
        count = min(nodes * step, height - top)
        yield slice(top, top + count), *buffer[:, margin : margin + count, margin : margin + width]


def displacement(fields: Sequence[Field], height: int, width: int, step: int) -> np.ndarray:
    """Sum of the fields in pixels, x and y at the mesh nodes, `(2, rows, columns)` float32.

    The map p -> p + u(p), with u bilinear between the nodes, never folds. Proof: within a mesh cell du/dx is a convex
    combination of the difference quotients along the cell's upper and lower edge, and du/dy of those along its left
    and right edge. So the squared Frobenius norm of Du is at most the larger squared length of the first two plus the
    larger of the last two. Where the greatest of these bounds over all cells exceeds `MAX_SLOPE`, u as a whole is
    scaled down to meet it (Du is linear in u). Then ||Du|| <= 0.9 in the spectral norm too, the singular values of
    I + Du are at least 0.1, and det(I + t Du) is not 0 for any t in [0, 1]: it stays positive from det(I) = 1, and is
    at least 0.01. As u is a contraction on the whole (convex) image, p + u(p) = q + u(q) only for p = q.
    """
    total = _total(fields, height, width, step)
    scale = _scale(total, step)
    return total * np.float32(scale) if scale < 1 else total


def field_scale(fields: Sequence[Field], height: int, width: int) -> float:
    """What `displacement` leaves of the amplitudes of these fields: 1, or less where they could fold."""
    step = mesh_step(fields, height, width)
    return _scale(_total(fields, height, width, step), step)


def elastic_from_alpha_sigma(alpha: float, sigma: float, size: int) -> Field:
    """The elastic field that deforms a `size` x `size` RGB image as `alpha` and `sigma` (pixels) do in older systems.

    Those draw alpha * Gaussian(U(-1, 1), sigma) (Simard 2003), but blur over the three channels as well, with zeros
    beyond them. The standard deviation of U(-1, 1) is 1 / sqrt(3); a Gaussian leaves 1 / sqrt(2 sigma sqrt(pi)) of it
    per image axis, and across the channels the root of the sum of its squared weights there: in all
    alpha * 0.00175 = 2.3 pixels per axis for sigma 8, where a field in the plane alone would have 26.
    Our B-splines have the variance of that Gaussian when their knots are sqrt(3) sigma apart.
    """
    weights = [math.exp(-0.5 * (k / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi)) for k in range(3)]
    channels = math.sqrt(weights[0] ** 2 + 4 / 3 * weights[1] ** 2 + 2 / 3 * weights[2] ** 2)
    per_axis = alpha / math.sqrt(3) / (2 * sigma * math.sqrt(math.pi)) * channels
    return Field(math.sqrt(2) * per_axis / size, _grid_of(sigma, size))


def distortion_from_fraction_blur(fraction: float, blur: float, size: int = 512) -> Field:
    """The gradient field that distorts a `size` x `size` image as `fraction` and `blur` (pixels) do in older systems.

    Those scale each axis of the gradient of Gaussian(N(0, 1), blur) to a maximum of int(size * fraction) pixels. The
    maximum of such an axis is near sqrt(2 ln n) times its root mean square, with n = 0.4 (size / blur)^2 independent
    values (fitted at size / blur = 12.8, the usual 512 / 40; within 5 % up to 51).
    """
    peak = math.sqrt(2 * math.log(max(0.4 * (size / blur) ** 2, math.e)))
    return Field(math.sqrt(2) * int(size * fraction) / peak / size, _grid_of(blur, size), gradient=True)


def _grid_of(sigma: float, size: int) -> int:
    return max(1, round(size / (math.sqrt(3) * sigma)))


def _total(fields: Sequence[Field], height: int, width: int, step: int) -> np.ndarray:
    """Sum of the fields at their full amplitudes."""
    total = np.zeros((2, mesh_nodes(height, step).size, mesh_nodes(width, step).size), np.float32)
    for field in fields:
        drawn = _drawn(field, height, width, step)
        drawn *= field.amplitude * min(height, width) / math.sqrt(np.vdot(drawn, drawn) / drawn[0].size)
        total += drawn.astype(np.float32)
    return total


def _scale(total: np.ndarray, step: int) -> float:
    slope = _slope_bound(total, step)
    return MAX_SLOPE / slope if slope > MAX_SLOPE else 1.0


def _drawn(field: Field, height: int, width: int, step: int) -> np.ndarray:
    """The field at the mesh nodes before scaling: a B-spline surface is a product of two matrices and its controls."""
    short = min(height, width)
    (down, down_slope), (across, across_slope) = (_basis(side, short, field.grid, step) for side in (height, width))
    count = (down.shape[1], across.shape[1])
    rng = np.random.default_rng(field.seed)
    if field.gradient:
        controls = rng.uniform(-1, 1, count)
        return np.stack((down @ controls @ across_slope.T, down_slope @ controls @ across.T))
    return down @ rng.uniform(-1, 1, (2, *count)) @ across.T


@lru_cache(maxsize=32)
def _basis(size: int, short: int, grid: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Uniform cubic B-splines and their slopes at the mesh nodes of a side, `(nodes, controls)` each."""
    # In whole numbers: rounding must not give two sizes of one aspect ratio different counts of controls.
    controls = -(-grid * size // short) - (-grid * step // short) + 3
    splines = scipy.interpolate.BSpline(np.arange(-3.0, controls + 1), np.eye(controls), 3)
    places = (mesh_nodes(size, step).astype(float) + 0.5) * grid / short
    return splines(places), splines(places, nu=1)


def _slope_bound(values: np.ndarray, step: int) -> float:
    """Largest bound of the Frobenius norm of the derivative in any cell of a `(2, rows, columns)` mesh."""
    across = np.square(values[:, :, 1:] - values[:, :, :-1]).sum(0)
    down = np.square(values[:, 1:] - values[:, :-1]).sum(0)
    cells = np.maximum(across[:-1], across[1:]) + np.maximum(down[:, :-1], down[:, 1:])
    return math.sqrt(cells.max()) / step
