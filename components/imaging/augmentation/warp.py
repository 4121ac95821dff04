"""One geometric map for an image and its mask: everything that moves pixels is composed, and resampled once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

import cv2
import numpy as np
import scipy

from components.imaging.augmentation.fields import Field, displacement, field_scale, mesh_nodes, mesh_step, upsampled
from components.imaging.augmentation.lenses import Lens

Border = Literal["constant", "edge", "reflect"]

_BORDERS = {"constant": cv2.BORDER_CONSTANT, "edge": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101}
_INTERPOLATIONS = {"linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
_TURNS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}


@dataclass(frozen=True)
class Warp:
    """What happens to a picture, in this order: lenses, flips, quarter turns, shear, zoom, rotation, fields.

    Lenses lie on the source, in tuple order, each composed with the rest as a map: the first acts on the source, no
    pixel is resampled twice, and lenses that do not overlap do not know of each other. All but lenses and fields is
    linear about the image centre, ((width - 1) / 2, (height - 1) / 2). Fields move what the rest has placed.

    The map never folds: its Jacobian determinant is the product of those of the fields (`fields.displacement`), of
    the linear part and of the lenses (`lenses.Lens`), each of one sign everywhere.

    A lesion that is a disc of radius r pixels in the mask keeps a pixel, unless it leaves the image, where neighbours
    in the result lie less than sqrt(2) r - 1 apart in the source in any direction: 1.83 for r = 2. Proof: with a map
    that stretches at most s-fold, every point of the source is within s / sqrt(2) of where some pixel is taken from,
    the centre of the disc, too; and a point that is taken to its nearest pixel moves by 1 / sqrt(2) at the most. A
    zoom stretches 1 / zoom-fold, a pincushion 0.03 ** amount-fold (its amount is negative here); the stretches of what
    is composed multiply. A bar of w rows or columns of pixels stays in one piece (8-connected) while the map is linear
    and stretches at most w-fold: 3 pixels down to a zoom of 0.34.
    """

    horizontal_flip: bool = False
    """Left becomes right."""
    vertical_flip: bool = False
    quarter_turns: int = 0
    """Counter-clockwise turns of 90 degrees, 0 to 3; 1 and 3 need a square image."""
    degrees: float = 0.0
    """Counter-clockwise rotation."""
    zoom: float = 1.0
    """Above 1 enlarges, below 1 shrinks."""
    shear_x: float = 0.0
    """Pixels to the right per pixel down."""
    shear_y: float = 0.0
    """Pixels down per pixel to the right."""
    elastic: Field | None = None
    distortion: Field | None = None
    lenses: tuple[Lens, ...] = ()
    border: Border = "constant"
    """What lies beyond the source: one value, its outermost pixels, or its reflection. The mask has background beyond
    the source where the border is constant, and the classes of the pixels that the image shows otherwise."""
    fill: float = 0.0
    """The value of a constant border, in all channels, over the largest value of the image's type."""
    interpolation: Literal["linear", "cubic"] = "linear"
    """Of the image; a mask takes the nearest pixel."""

    def __post_init__(self) -> None:
        if self.quarter_turns not in range(4):
            raise ValueError(f"quarter_turns {self.quarter_turns}: expected 0, 1, 2 or 3")
        for name in ("degrees", "zoom", "shear_x", "shear_y"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} {getattr(self, name)}: expected a finite number")
        if not self.zoom > 0:
            raise ValueError(f"zoom {self.zoom}: expected a factor above 0")
        if not self.shear_x * self.shear_y < 1:
            raise ValueError(f"shear {self.shear_x} and {self.shear_y}: expected a product below 1, beyond it mirrors")
        if self.border not in _BORDERS or self.interpolation not in _INTERPOLATIONS or not 0 <= self.fill <= 1:
            raise ValueError(
                f"border {self.border!r}, interpolation {self.interpolation!r}, fill {self.fill}: expected one of "
                f"{', '.join(_BORDERS)}, one of {', '.join(_INTERPOLATIONS)}, and 0 to 1"
            )

    def apply(self, image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`(H, W[, C])` uint8 or uint16 and its `(H, W)` classes, both of the same size afterwards.

        Flips and quarter turns alone move pixels without resampling; nothing to do gives back the arrays themselves.

        Raises:
            ValueError: sizes differ, or one or three quarter turns of an image that is not square.
        """
        height, width = image.shape[:2]
        if mask.shape != (height, width):
            raise ValueError(f"the mask has shape {mask.shape}, expected {(height, width)}, the size of the image")
        self._check_turns(height, width)
        if self._is_exact:
            return self._turned(image), self._turned(mask)
        border, fill = _BORDERS[self.border], (self.fill * np.iinfo(image.dtype).max,) * 4
        # Row by row in memory, unlike empty_like of a view: OpenCV writes nowhere else.
        warped, classes = np.empty(image.shape, image.dtype), np.empty(mask.shape, mask.dtype)
        tasks = (image, warped, _INTERPOLATIONS[self.interpolation], fill), (mask, classes, cv2.INTER_NEAREST, (0,))
        if self._is_linear:
            centre = np.array(((width - 1) / 2, (height - 1) / 2))
            matrix = np.column_stack((self._matrix, centre - self._matrix @ centre))
            for source, target, how, value in tasks:
                flags = how | cv2.WARP_INVERSE_MAP
                cv2.warpAffine(source, matrix, (width, height), target, flags, border, value)
            return warped, classes
        for rows, map_x, map_y in self._strips(height, width):
            for source, target, how, value in tasks:
                # Maps in fixed point (cv2.convertMaps) interpolate at the same 1/32 of a pixel and cost a pass more.
                cv2.remap(source, map_x, map_y, how, target[rows], border, value)
        return warped, classes

    def maps(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Column and row of the source for each pixel of the result, two `(height, width)` float32.

        Pixel centres have whole coordinates. Rounding stays below 1/500 of a pixel up to 8192 pixels; `cv2.remap`
        itself interpolates at 1/32 of a pixel.

        Raises:
            ValueError: one or three quarter turns of an image that is not square.
        """
        self._check_turns(height, width)
        map_x, map_y = np.empty((2, height, width), np.float32)
        for rows, strip_x, strip_y in self._strips(height, width):
            map_x[rows], map_y[rows] = strip_x, strip_y
        return map_x, map_y

    def to_source(
        self, rows: np.ndarray, columns: np.ndarray, height: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Source coordinates of coordinates in the result, in pixels with centres at whole numbers.

        Points outside the result are taken to its nearest edge.
        """
        points = np.array(np.broadcast_arrays(rows, columns), float)
        map_x, map_y = (
            scipy.ndimage.map_coordinates(axis, points.reshape(2, -1), float, order=1, mode="nearest")
            for axis in self.maps(height, width)
        )
        return map_y.reshape(points.shape[1:]), map_x.reshape(points.shape[1:])

    def field_scale(self, height: int, width: int) -> float:
        """What is left of the amplitudes of the fields in an image of this size: 1, or less where they could fold."""
        return field_scale(self._fields, height, width) if self._fields else 1.0

    def as_json(self) -> dict[str, Any]:
        """What the record keeps: with the size of the image, enough to build the same map again.

        Bit for bit on the same kind of processor with the same versions of NumPy, SciPy and OpenCV.
        """
        return {"kind": "warp", **asdict(self), "lenses": [asdict(lens) for lens in self.lenses]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The warp that gave `as_json`."""
        plain = {name: value for name, value in values.items() if name != "kind"}
        for name in ("elastic", "distortion"):
            plain[name] = Field(**plain[name]) if plain[name] else None
        return cls(**{**plain, "lenses": tuple(Lens(**lens) for lens in plain["lenses"])})

    def _strips(self, height: int, width: int) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """The maps in strips: rows of the result, columns and rows of the source."""
        step = mesh_step(self._fields, height, width)
        centre_x, centre_y = np.float32((width - 1) / 2), np.float32((height - 1) / 2)
        x, y = displacement(self._fields, height, width, step)
        x += mesh_nodes(width, step) - centre_x
        y += mesh_nodes(height, step)[:, None] - centre_y
        (xx, xy), (yx, yy) = self._matrix.astype(np.float32)
        mesh = np.stack((xx * x + xy * y + centre_x, yx * x + yy * y + centre_y))
        for rows, map_x, map_y in upsampled(mesh, step, height, width):
            for lens in reversed(self.lenses):
                lens.bend(map_x, map_y, height, width)
            yield rows, map_x, map_y

    @property
    def _fields(self) -> list[Field]:
        return [field for field in (self.elastic, self.distortion) if field]

    @property
    def _is_linear(self) -> bool:
        return not (self._fields or self.lenses)

    @property
    def _is_exact(self) -> bool:
        """Whether each pixel lands on a pixel."""
        return self._is_linear and (self.degrees, self.zoom, self.shear_x, self.shear_y) == (0, 1, 0, 0)

    @property
    def _matrix(self) -> np.ndarray:
        """`(2, 2)`, takes x and y relative to the centre of the result to those in the source."""
        cosine, sine = math.cos(math.radians(self.degrees)), math.sin(math.radians(self.degrees))
        # y points down: forward, ((cosine, sine), (-sine, cosine)) turns counter-clockwise as seen.
        rotation = np.array(((cosine, -sine), (sine, cosine))) / self.zoom
        shear = np.array(((1, -self.shear_x), (-self.shear_y, 1))) / (1 - self.shear_x * self.shear_y)
        turns = np.linalg.matrix_power(np.array(((0, -1), (1, 0))), self.quarter_turns)
        flips = np.array(((-1 if self.horizontal_flip else 1,), (-1 if self.vertical_flip else 1,)))
        return flips * (turns @ shear @ rotation)

    def _turned(self, pixels: np.ndarray) -> np.ndarray:
        turned = pixels
        if self.horizontal_flip or self.vertical_flip:
            axis = -1 if self.horizontal_flip and self.vertical_flip else int(self.horizontal_flip)
            turned = cv2.flip(turned, axis)
        if self.quarter_turns:
            turned = cv2.rotate(turned, _TURNS[self.quarter_turns])
        return turned.reshape(pixels.shape)

    def _check_turns(self, height: int, width: int) -> None:
        if self.quarter_turns % 2 and height != width:
            raise ValueError(
                f"{self.quarter_turns} quarter turns of {height} x {width} pixels: expected a square image or 2 turns"
            )
