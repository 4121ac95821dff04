"""An appendix: measures that background rules, and those that other systems print, for comparison with their numbers.

Where foreground is 2 % of the pixels, a model that predicts nothing has an accuracy of 0.98. So each says what
predicting nothing scores on the same cases, and none is a headline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from components.measures.calibration import Sums, sums
from components.measures.comparison import Comparison
from components.measures.confusion import Confusion, counts
from components.measures.measure import CORRELATION, SHARE, CasesMeasure, ClassMeasure
from components.measures.overlap import dice, ratio

_LEVELS = 1024
_ONE_KIND = "all pixels of the truth are of one kind"
_UNKNOWN = "probabilities are not known or no finite numbers"


@dataclass(frozen=True)
class Levels:
    """How many pixels have a probability, by its level."""

    of_class: np.ndarray
    """float64 `(1024,)`, lowest first."""
    of_others: np.ndarray


def levels(seen: Comparison) -> Levels | None:
    """None without probabilities."""
    if seen.probability is None:
        return None
    masks = (mask.view(np.uint8) for mask in (seen.true, seen.judged & ~seen.true))
    ends = [0.0, math.nextafter(1, 2) + 1e-6]
    found = [cv2.calcHist([seen.probability], [0], mask, [_LEVELS], ends)[:, 0].astype(np.float64) for mask in masks]
    return Levels(*found)


def accuracy(counts: Confusion) -> float:
    """(TP + TN) / all."""
    return ratio(counts.tp + counts.tn, counts.judged_pixels)


def specificity(counts: Confusion) -> float:
    """TN / (TN + FP); NaN when there is no background."""
    return ratio(counts.tn, counts.tn + counts.fp)


def kappa(counts: Confusion) -> float:
    """Agreement beyond what chance would give, as a share of what chance leaves open (Cohen 1960); NaN for none."""
    n, true, said = counts.judged_pixels, counts.truth_pixels, counts.predicted_pixels
    chance = true * said + (n - true) * (n - said)
    return ratio(n * (counts.tp + counts.tn) - chance, n * n - chance)


def mcc(counts: Confusion) -> float:
    """The correlation of truth and prediction (Matthews 1975); NaN when the truth is of one kind, and 0 when only the
    prediction is."""
    true, said = counts.truth_pixels, counts.predicted_pixels
    others, unsaid = counts.judged_pixels - true, counts.judged_pixels - said
    if not (true and others):
        return math.nan
    return ratio(counts.tp * counts.tn - counts.fp * counts.fn, math.sqrt(true * others * said * unsaid), empty=0.0)


def pixel_auc(found: Levels) -> float:
    """The chance that a pixel of the class has a higher probability than another, equal ones counting half, by 1024
    levels of probability: the area under the ROC curve; NaN when the truth is of one kind."""
    below = np.cumsum(found.of_others) - found.of_others / 2
    return ratio(float(found.of_class @ below), float(found.of_class.sum() * found.of_others.sum()))


def dice_with_background(counts: Confusion) -> float:
    """The mean of the Dice of the class and of all else."""
    return (dice(counts) + dice(Confusion(counts.tn, counts.fn, counts.fp, counts.tp))) / 2


def true_probability(found: Sums) -> float:
    """The mean probability of what is true, background included: what other systems call a multi-class Dice."""
    others = found.judged - found.true
    right = found.of_truth + others - (found.everywhere - found.of_truth)
    return ratio(right, found.judged)


def smoothed_soft_dice(found: Sums) -> float:
    """(2 sum(p y) + 1) / (sum p + sum y + 1): what other systems call Dice, of an image for their batch."""
    return (2 * found.of_truth + 1) / (found.everywhere + found.true + 1)


def pooled_dice(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray) -> float:
    """2 TP / (2 TP + FP + FN) of all cases as if they were one image; NaN where nothing is true or predicted."""
    return ratio(float(2 * tp.sum()), float(2 * tp.sum() + fp.sum() + fn.sum()))


ACCURACY = ClassMeasure(
    name="accuracy",
    title="accuracy",
    higher_is_better=True,
    range=SHARE,
    family="background",
    fact=counts,
    of=accuracy,
    of_nothing=accuracy,
)
SPECIFICITY = ClassMeasure(
    name="specificity",
    title="specificity",
    higher_is_better=True,
    range=SHARE,
    family="background",
    undefined="all that is judged is of the class",
    fact=counts,
    of=specificity,
    of_nothing=specificity,
)
KAPPA = ClassMeasure(
    name="kappa",
    title="Cohen's kappa",
    higher_is_better=True,
    range=CORRELATION,
    family="background",
    undefined="truth and prediction are of one kind, the same",
    fact=counts,
    of=kappa,
    of_nothing=kappa,
)
MCC = ClassMeasure(
    name="mcc",
    title="Matthews correlation",
    higher_is_better=True,
    range=CORRELATION,
    family="background",
    undefined=_ONE_KIND,
    fact=counts,
    of=mcc,
    of_nothing=mcc,
)
PIXEL_AUC = ClassMeasure(
    name="pixel_auc",
    title="area under the ROC curve of pixels",
    higher_is_better=True,
    range=SHARE,
    family="background",
    undefined=f"{_ONE_KIND}, or {_UNKNOWN}",
    fact=levels,
    of=pixel_auc,
    of_nothing=lambda _: 0.5,
)
DICE_WITH_BACKGROUND = ClassMeasure(
    name="dice_with_background",
    title="mean Dice of class and background",
    higher_is_better=True,
    range=SHARE,
    family="background",
    fact=counts,
    of=dice_with_background,
    of_nothing=dice_with_background,
)
TRUE_PROBABILITY = ClassMeasure(
    name="true_probability",
    title="mean probability of what is true",
    higher_is_better=True,
    range=SHARE,
    family="background",
    undefined=_UNKNOWN,
    fact=sums,
    of=true_probability,
    of_nothing=accuracy,
)
SMOOTHED_SOFT_DICE = ClassMeasure(
    name="smoothed_soft_dice",
    title="soft Dice, 1 added above and below",
    higher_is_better=True,
    range=SHARE,
    family="background",
    undefined=_UNKNOWN,
    fact=sums,
    of=smoothed_soft_dice,
    of_nothing=lambda counts: 1 / (counts.truth_pixels + 1),
)
POOLED_DICE = CasesMeasure(
    name="pooled_dice",
    title="Dice of all cases as one image",
    higher_is_better=True,
    family="background",
    undefined="nothing is true or predicted in any case",
    needs=("tp", "fp", "fn"),
    of=pooled_dice,
    of_nothing=lambda _: 0.0,
)
