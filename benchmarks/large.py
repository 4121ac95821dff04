"""Images of 16 and 300 megapixels: time and peak memory of their derivation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np

from benchmarks._timing import peak_mebibytes, seconds
from components.imaging.files.codecs import encode_png

_DERIVATIONS = {
    "letterboxed to 512 px": ("data.height=512", "data.width=512"),
    "cut into tiles of 512 px": ("data.height=512", "data.width=512", "data.tiles={overlap=64}"),
}


def measure() -> Iterator[str]:
    """Yields seconds and peak memory per size and derivation, imports included, beside those without any image."""
    for height, width in ((4096, 4096), (15_000, 20_000)):
        with TemporaryDirectory() as folder:
            root = _write(Path(folder), height, width)
            for what, overrides in _DERIVATIONS.items():
                peaks: list[float] = []
                arguments = ("benchmarks.ingest", str(root), *overrides, "data.max_megapixels=300")
                took = seconds(lambda: peaks.append(peak_mebibytes(*arguments)))  # noqa: B023 - called at once
                yield f"{width} x {height} px {what}: {took:.1f} s, peak memory {peaks[0]:.0f} MiB"


def _write(root: Path, height: int, width: int) -> Path:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 50, width // 50), np.uint8)
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, (width // 3, height // 2), height // 10, 255, -1)
    for folder, pixels in (("images", cv2.resize(coarse, (width, height))), ("masks", mask)):
        (root / folder).mkdir()
        (root / folder / "large.png").write_bytes(encode_png(pixels))
    return root
