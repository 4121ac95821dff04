"""Who takes part."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.quality.contest.contestant import Contestant


def _ours() -> Contestant:
    from benchmarks.quality.contest.ours import Ours

    return Ours()


def _reference() -> Contestant:
    from benchmarks.quality.contest.reference.contestant import Reference

    return Reference()


def _nnunet() -> Contestant:
    from benchmarks.quality.contest.nnunet import NnUNet

    return NnUNet()


CONTESTANTS: Mapping[str, Callable[[], Contestant]] = {"ours": _ours, "reference": _reference, "nnunet": _nnunet}
"""Made when they are asked for: two of them import TensorFlow."""
