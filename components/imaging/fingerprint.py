"""A small picture of what is distinctive in an image, equal for its copies: near duplicates are found by it."""

from __future__ import annotations

import cv2
import numpy as np

from components.imaging.files.codecs import with_channels

SIDE = 64
SIGNATURE_BYTES = SIDE * SIDE

_THUMBNAIL = 2 * SIDE
_FLAT = 0.08  # share of the thumbnail's range of values up to which a row or a column counts as empty
_OUTLIERS = (0.01, 0.01, 0.06, 0.06)  # share of a line's pixels left out at either end of their range, per pass
_LEAST_CONTENT = 24  # thumbnail pixels; smaller, and the pixels themselves would pass for details
_FLOOR = 0.01  # local contrast, in shares of the range, that counts as noise
_UNIT = 40  # int8 steps to one local standard deviation
_LEAST_DETAIL = 0.2  # share of the signature's 8 x 8 blocks that must show something


def signature(pixels: np.ndarray) -> bytes:
    """4,096 bytes: `(64, 64)` int8, the corner-like details of the content, each in units of the contrast around it.

    The signature follows the image through flips and right-angle rotations, and hardly changes with brightness,
    contrast, bit depth, format, size, aspect and empty borders. Outlines count for little: films of different
    patients share them. All zero where too little detail is left to know an image by.

    Args:
        pixels: `(H, W)` gray or `(H, W, 3)` RGB, uint8 or uint16.
    """
    thumbnail = _thumbnail(pixels)
    contrast = float(np.ptp(thumbnail))
    content = _content(thumbnail)
    detail = np.rint(_UNIT * _corners(_local_contrast(content, _FLOOR * contrast))).clip(-127, 127).astype(np.int8)
    return detail.tobytes() if _has_detail(detail) else bytes(SIGNATURE_BYTES)


def content_of(pixels: np.ndarray) -> np.ndarray:
    """float32 `(64, 64)`: the part of an image whose details make its signature, in the image's own levels."""
    return _content(_thumbnail(pixels))


def _thumbnail(pixels: np.ndarray) -> np.ndarray:
    thumbnail = cv2.resize(pixels, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    return with_channels(thumbnail, 1).astype(np.float32)


def _content(thumbnail: np.ndarray) -> np.ndarray:
    content = _without_borders(thumbnail, _FLAT * float(np.ptp(thumbnail)))
    shrinks = min(content.shape) >= SIDE
    return cv2.resize(content, (SIDE, SIDE), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _without_borders(thumbnail: np.ndarray, tolerance: float) -> np.ndarray:
    """The part within the lines that are empty throughout.

    First the strictly empty, such as a letterbox, then those with a few odd pixels: once a frame is gone, what it
    enclosed is judged as in the image that never had one.
    """
    for share in _OUTLIERS:
        rows = np.flatnonzero(_ranges(thumbnail, share) > tolerance)
        columns = np.flatnonzero(_ranges(thumbnail.T, share) > tolerance)
        if min(len(rows), len(columns)) < _LEAST_CONTENT:
            break
        thumbnail = thumbnail[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return thumbnail


def _ranges(lines: np.ndarray, outliers: float) -> np.ndarray:
    """Per line, its largest less its smallest value, a share of outliers left out at either end."""
    values = np.sort(lines, axis=1)
    skip = round(outliers * lines.shape[1])
    return values[:, -1 - skip] - values[:, skip]


def _local_contrast(image: np.ndarray, noise: float) -> np.ndarray:
    """Details of some 2 to 6 pixels, divided by their local standard deviation (and some noise)."""
    detail = _blur(image, 0.7) - _blur(image, 2.5)
    return detail / (np.sqrt(_blur(detail * detail, 3.0)) + noise + np.finfo(np.float32).tiny)


def _corners(detail: np.ndarray) -> np.ndarray:
    """Details weighted 0 on straight edges to 1 where no direction prevails.

    The weight is the ratio of the eigenvalues of the structure tensor (Harris and Stephens 1988).
    """
    across, down = cv2.Sobel(detail, -1, 1, 0), cv2.Sobel(detail, -1, 0, 1)
    xx, yy, xy = (_blur(product, 3.0) for product in (across * across, down * down, across * down))
    spread = np.sqrt((xx - yy) ** 2 + 4 * xy * xy)
    return detail * (xx + yy - spread).clip(0) / (xx + yy + spread + 0.01)


def _blur(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def _has_detail(detail: np.ndarray) -> bool:
    blocks = np.square(detail, dtype=np.float32).reshape(8, SIDE // 8, 8, SIDE // 8).mean((1, 3))
    return bool((blocks > (_UNIT / 8) ** 2).mean() >= _LEAST_DETAIL)
