"""What the evaluator reads of a config."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from components.bulk_inferrer.settings import Robustness
from components.evaluator.slices import sliced
from components.inference.operating_point import OperatingPoint
from components.measures.all import MEASURES, measures_of
from components.measures.measure import EmptyMasks, Measure, trained_loss
from components.measures.tolerance import Tolerance
from components.records.settings import Derivation
from components.records.splits import TEST
from components.settings import OneOf, Positive, Probability, Section
from components.task import Task
from components.trainer.losses.registry import LOSSES


class Limit(Section):
    """What the mean of a measure over the test cases must reach, or how far it may fall behind the champion's."""

    model_config = ConfigDict(serialize_by_alias=True)

    measure: Annotated[str, OneOf(ChainMap[str, Any](LOSSES, MEASURES))]
    """Or the loss that is trained."""
    class_: str | None = Field(default=None, alias="class")
    """None: the mean over the classes of their means."""
    slice: str | None = None
    """The cases that count: `label=NAME`, `site=NAME`, `folder=NAME` of the source's folder, `span=NAME`;
    `size<20px` or `size>=20px`, by the longest side of their regions of the class in the truth. None: all."""
    at_least: float | None = None
    at_most: float | None = None
    change: bool = False
    """Hold against the champion on the same cases, in place of `at_least` and `at_most`. Met where there is none."""
    under: Annotated[str, OneOf(tuple(Robustness.model_fields))] | None = None
    """A key of `[robustness]`: what is held is the difference that this change of the images makes, which is below 0
    where values fall."""
    margin: float = 0.0
    """With `change`: by so much the candidate may be worse; below 0 it must be better."""
    bound: Literal["mean", "lower"] = "mean"
    """What must meet it: the mean, or the end of its 95 % interval that speaks against the candidate, which is the
    lower one, but with `at_most`, and with `change` of what is better low, the upper one. Where k limits of slices ask
    for that, each is held against an interval of 1 - 0.05 / k (Bonferroni): they hold together."""
    per_decision: bool = False
    """With `bound = "lower"`: where the same test cases decide for the k-th time, 0.05 is divided by k once more."""
    least_n: Annotated[int, Field(ge=0)] = 1
    """Cases in which the measure is defined; fewer are too few."""
    too_few: Literal["refuse", "pass"] = "refuse"
    """What becomes of the limit where cases, or for `bound = "lower"` groups, are too few."""

    @field_validator("slice")
    @classmethod
    def _is_a_slice(cls, text: str | None) -> str | None:
        if text is not None:
            sliced(text)
        return text

    @model_validator(mode="before")
    @classmethod
    def _no_raters(cls, table: Any) -> Any:
        if isinstance(table, dict) and "within_raters" in table:
            raise ValueError(
                "within_raters needs the masks of several raters for one image, and records have one mask each: "
                "several mask files of an image are merged, or are its classes. Remove it, and set at_least to what "
                "raters reach among themselves"
            )
        return table

    @model_validator(mode="after")
    def _has_one_bound(self) -> Self:
        for fault in _limit_faults(self):
            raise ValueError(fault)
        return self


def _limit_faults(limit: Limit) -> Iterator[str]:
    bounds = [key for key in ("at_least", "at_most") if getattr(limit, key) is not None]
    if limit.change and limit.under:
        yield "change is held against the champion, under against the same images unchanged: remove one of the two"
    if limit.change and bounds:
        yield f"change is held against the champion, by margin: remove {' and '.join(bounds)}, or change"
    if not limit.change and len(bounds) != 1:
        yield f"{'at_least and at_most are both' if bounds else 'no bound is'} set: set one of at_least and at_most" + (
            "" if bounds else ", or change = true"
        )
    if not limit.change and limit.margin:
        yield f"margin = {limit.margin:g} is for a comparison with the champion: set change = true, or remove margin"
    if limit.per_decision and limit.bound == "mean":
        yield 'per_decision is for an interval, and bound = "mean" has none: set bound = "lower", or remove it'
    if limit.bound == "lower" and not (limit.measure in MEASURES and MEASURES[limit.measure].range):
        bounded = [name for name, measure in MEASURES.items() if measure.range]
        yield (
            f"{limit.measure} has no interval, since nothing bounds its values: remove bound, or choose "
            f"{' or '.join(bounded)}"
        )
    if limit.measure in LOSSES and limit.class_ is not None:
        yield f"{limit.measure} is one number for all classes: remove class, or choose {' or '.join(MEASURES)}"


class Evaluation(Section):
    outgrown: ClassVar = {"threshold": (0.5, "it is [inference] threshold now: move it there")}
    empty_masks: EmptyMasks = "skip"
    """Dice of a case without foreground: left out of the mean, or 1 when nothing is predicted and 0 otherwise."""
    surface_tolerance: Tolerance = Tolerance.parse("2 px")
    """Distance up to which surfaces agree, in pixels of the source (`"2 px"`) or in millimetres (`"0.5 mm"`), and the
    unit of all distances of surfaces. In millimetres they are undefined where the size of an image's pixels is not
    known."""
    min_dice: Probability = 0.0
    """Short for a limit: Dice `at_least`."""
    max_loss: Annotated[float, Field(gt=0)] | None = None
    """Short for a limit: the loss that is trained `at_most`."""
    min_dice_change: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Least difference of the mean Dice to the champion's, both measured now on the same cases. Short for a limit:
    Dice, `change`, with this as `margin` below 0."""
    min_cases: Positive = 1
    """Short for a limit: Dice, `least_n`."""
    limits: list[Limit] = []
    """Further ones; all must be met."""

    @property
    def without_limits(self) -> Evaluation:
        """What is measured, with the limits at their defaults."""
        limits = {"min_dice", "max_loss", "min_dice_change", "min_cases", "limits"}
        return Evaluation(**self.model_dump(exclude=limits))


class Asked(NamedTuple):
    """A limit, and the key of `[evaluation]` that is short for it."""

    limit: Limit
    key: str | None = None


class EvaluatorSettings(Section):
    """Everything that an evaluation depends on."""

    evaluation: Evaluation
    task: Task
    derivation: Derivation
    loss: Annotated[str, OneOf(LOSSES)]
    """That was trained."""
    discs: bool = False
    """Whether the truth encloses lesions by discs, and does not outline them."""
    split: str = TEST
    """Whose records are measured."""
    point: OperatingPoint | None = None
    """How answers become masks; None: as is stored with the model."""
    robustness: Robustness = Robustness()
    """What is measured once more each."""

    @property
    def decides(self) -> bool:
        """Whether a model is blessed by it: by nothing but the test split."""
        return self.split == TEST

    @property
    def measures(self) -> list[Measure]:
        """All that is measured, what people are told first of all; the loss, of whole images, comes last."""
        return [*measures_of(self.evaluation.surface_tolerance.unit, self.discs), trained_loss(self.loss)]

    @property
    def every_limit(self) -> list[Asked]:
        """The short forms as limits, then those that are written out; none where nothing is decided."""
        if not self.decides:
            return []
        return [*self._short(), *(Asked(limit) for limit in self.evaluation.limits)]

    @property
    def by_which_it_decides(self) -> str:
        """As JSON; changed images that no limit holds are told and no more."""
        held = any(limit.under for limit in self.evaluation.limits)
        return (self if held else self.model_copy(update={"robustness": Robustness()})).model_dump_json()

    @property
    def slices_at_once(self) -> int:
        """Limits of slices that ask for the end of an interval."""
        return sum(limit.bound == "lower" and limit.slice is not None for limit in self.evaluation.limits)

    def _short(self) -> Iterator[Asked]:
        given = self.evaluation
        yield Asked(Limit(measure="dice", at_least=0.0, least_n=given.min_cases), "min_cases")
        # Of no case at all the mean is undefined, and below everything: `min_cases` alone speaks of their number.
        yield Asked(Limit(measure="dice", at_least=given.min_dice, least_n=0), "min_dice")
        if given.max_loss is not None:
            yield Asked(Limit(measure=self.loss, at_most=given.max_loss, least_n=0), "max_loss")
        yield Asked(Limit(measure="dice", change=True, margin=0 - given.min_dice_change, least_n=0), "min_dice_change")
