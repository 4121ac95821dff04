"""How long the regions of a mask are."""

from __future__ import annotations

import cv2
import numpy as np


def extent(mask: np.ndarray) -> int:
    """The longest side, in pixels, of the bounding boxes of the 8-connected regions of a mask `(H, W)`; 0 without any.

    Args:
        mask: boolean, or uint8 that is not 0 within.
    """
    inside = mask.astype(np.uint8, copy=False)
    left, top, width, height = cv2.boundingRect(inside)
    if not width:
        return 0
    # Lesions are small: within their bounding box there is less to label.
    _, _, boxes, _ = cv2.connectedComponentsWithStats(inside[top : top + height, left : left + width], connectivity=8)
    return int(boxes[1:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max())
