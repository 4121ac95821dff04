"""GIF, which is decoded by Pillow: OpenCV is built without it."""

from __future__ import annotations

import numpy as np
from PIL.GifImagePlugin import GifImageFile

from components.foreign import foreign
from components.imaging.files.unreadable import UnreadableImage

_GREYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def gif_entries(header: GifImageFile) -> tuple[np.ndarray, np.ndarray]:
    """The palette entries `(H, W)` uint8 of the one frame of a file, and the palette `(N, 3)` uint8, RGB.

    Raises:
        UnreadableImage: damaged, cut short, entries that the palette has not, or a frame smaller than the image.
    """
    _, extents, _, _ = header.tile[0]
    if extents != (0, 0, *header.size):
        raise UnreadableImage(f"its frame does not fill its {header.size[0]} x {header.size[1]} pixels: save it as PNG")
    # Pillow keeps no palette of which entry i is the grey i, nor of a file that has none.
    palette = np.frombuffer(bytes(header.palette.palette), np.uint8).reshape(-1, 3) if header.palette else _GREYS
    with foreign(UnreadableImage, "not a whole GIF image: cut short or damaged"):
        entries = np.array(header)
    if entries.max() >= len(palette):
        raise UnreadableImage(
            f"not a whole GIF image: has entry {entries.max()} of a palette of {len(palette)} colours"
        )
    return entries, palette


def decode_gif(header: GifImageFile, *, alpha: bool = False) -> np.ndarray:
    """`(H, W)` gray where a palette is of all greys in order, else `(H, W, 3)` RGB; with `alpha` `(H, W, C + 1)`, 0
    where a pixel is of the transparent entry, else 255.

    Raises:
        UnreadableImage: as `gif_entries`.
    """
    gray = header.mode == "L"
    entries, palette = gif_entries(header)
    pixels = entries if gray else palette[entries]
    if not alpha:
        return pixels
    seen = np.where(entries == header.info["transparency"], np.uint8(0), np.uint8(255))
    return np.dstack([pixels, seen])
