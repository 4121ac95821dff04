"""The limits by which masks are told apart, each of one measured property."""

from __future__ import annotations

STRAY = 0.001
"""Share of the pixels, of all or of a mask, up to which a value may be nobody's."""
OWN = 0.05
"""Share of the foreground, of a mask or of all, from which on a value is somebody's."""
RARE = 0.1
"""Share of the masks up to which those of another kind decide nothing."""
MOST_LEVELS = 16
"""Values of a mask up to which each may be a class."""
MOST_CLASSES = 24
"""Values of all masks up to which each may be a class, where not all masks have them all."""
MOST_KINDS = 4
"""Values of all masks up to which one that a single mask has may still be a class."""
FULL = 0.5
"""Share of foreground from which on it may be the background."""
BETWEEN = 0.8
"""Share of a value's pixels with a lower and a higher one near them from which on it is the blend of an edge."""
BETWEEN_COLOURS = 0.5
"""Likewise of a colour: near a third one its blends are between two in some channels alone."""
RIM = 0.8
"""Share of a value's pixels that are near two others from which on it is a rim between these."""
WHOLE = 0.9
"""Share of values that are one region in their mask from which on they may number objects."""
ALONE = 0.8
"""Share of values that stand in a single mask from which on they number something."""
FEWEST_MASKS = 4
"""By which that can be told."""
VOIDS = (255, 65535)
"""Values that by habit mark what is not judged."""
SAME_REGIONS = 0.5
"""Intersection over union of two masks of an image from which on they are of two observers."""
WITHIN = 0.98
"""Share of the smaller of two masks of an image that lies in the larger from which on it may be a class within it."""
SAME_TRUTH = 0.95
"""Dice of the masks of two copies of an image from which on they agree."""
