"""The mirrored forms of windows that are averaged."""

from __future__ import annotations

FLIPS: tuple[tuple[int, ...], ...] = ((), (1,), (2,), (1, 2))
"""The axes of windows `(N, H, W, C)` that each form reverses, and again in its answer."""
