"""What the data gate reads of a config."""

from __future__ import annotations

from components.settings import Positive, Probability, Section


class Validation(Section):
    max_reject_fraction: Probability = 0.05
    """Share of the sources that may be unusable before the data gate stops the run."""
    min_groups: Positive = 3
    """Least number of groups (patients) in each split: a number measured on one woman says nothing."""
    max_drift: Probability = 0.4
    """Largest distance of a feature's distribution from that in the champion's data (Kolmogorov-Smirnov statistic);
    1 allows everything."""
    mostly_foreground: bool = False
    """Masks may be mostly foreground, as those of an organ are. Without it the data gate stops where, of one class,
    foreground covers more than half of the image in the median of the mask files that have any, or lies along all four
    borders of most of them: masks that are read upside down look so."""


class GateSettings(Validation):
    """The section `[validation]`, and what a champion may know, which depends on where the training starts."""

    warm_start: bool
