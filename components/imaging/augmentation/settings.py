"""`[augmentation]`: what happens to the training pairs, how often, in copies or in every epoch anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import AfterValidator, Discriminator, Field, ModelWrapValidatorHandler, Tag, model_validator

from components.imaging.augmentation import operations as op
from components.imaging.augmentation.strengths import strengthened
from components.settings import Probability, Section, made_complete

_FLIPS = ("horizontal_flip", "vertical_flip", "right_angle")
_FLIPS_ON_DEVICE, _VALUES_ON_DEVICE = _FLIPS[:2], ("gamma", "contrast", "brightness")


def _either(here: type[op.Operation], older: type[op.OfOlderSystems]) -> Discriminator:
    """Tells which of two classes reads a table; the loader leaves names with hyphens out of its messages."""
    ours, theirs = set(here.model_fields), set(older.model_fields)

    def tag(table: Any) -> str:
        keys = set(table) if isinstance(table, dict) else set()
        return "of-older-systems" if keys & (theirs - ours) and not keys & (ours - theirs) else "as-here"

    return Discriminator(tag)


def _converted(operation: op.Operation) -> op.Operation:
    return operation.converted() if isinstance(operation, op.OfOlderSystems) else operation


if TYPE_CHECKING:
    # What they are once they have been read, whichever table stood there.
    Elastic: TypeAlias = op.Displacement
    Distortion: TypeAlias = op.Displacement
    Brightness: TypeAlias = op.Brightness
else:
    _HERE, _OLDER, _AS_HERE = Tag("as-here"), Tag("of-older-systems"), AfterValidator(_converted)
    Elastic = Annotated[
        Annotated[op.Displacement, _HERE] | Annotated[op.ElasticInPixels, _OLDER],
        _either(op.Displacement, op.ElasticInPixels),
        _AS_HERE,
    ]
    Distortion = Annotated[
        Annotated[op.Displacement, _HERE] | Annotated[op.DistortionInPixels, _OLDER],
        _either(op.Displacement, op.DistortionInPixels),
        _AS_HERE,
    ]
    Brightness = Annotated[
        Annotated[op.Brightness, _HERE] | Annotated[op.BrightnessInLevels, _OLDER],
        _either(op.Brightness, op.BrightnessInLevels),
        _AS_HERE,
    ]


class Augmentation(Section):
    """Image and mask move together; the values of the image alone change afterwards.

    Each operation by itself keeps a lesion of radius 2 pixels over its default ranges, unless it moves it out of the
    image. Several at once, or wider ranges, may lose one. Where all foreground of a record would be lost, other moves
    are drawn, and after four such draws nothing is moved; that one lesion of several is lost is not prevented.
    """

    strength: Literal["light", "standard", "strong"] | None = None
    """What the section does not say: `light`, flips left-right, small rotations and zooms; `standard`, the operations
    and probabilities of nnU-Net; `strong`, more of them, right angles, elastic deformation, CLAHE, sharpening and
    cut-outs. An operation that is stated keeps its own numbers. `standard` and `strong` flip both ways and turn by any
    angle, `light` flips left-right: where a side means something, set `horizontal_flip = 0.0` and the like. Without
    `copies`, `online` is true."""
    copies: Annotated[int, Field(ge=0)] = 0
    """Augmented copies per training record, beside the record itself. Where no operation has a probability of 1, some
    copies are the record once more; two flips and a right angle can also undo one another."""
    online: bool = False
    """The trainer augments every record in every epoch anew, instead of copies."""
    on_device: bool = False
    """Flips, gamma, contrast and brightness are drawn in every epoch anew and done by the training step, on the
    accelerator. `online` leaves them to it where nothing else was drawn that must come after them, so that a sample is
    the same on either side: flips without other moves, and both without CLAHE, sharpening, blur, low resolution, noise
    or cut-outs."""
    seed: int = 0

    horizontal_flip: Probability = 0.0
    """Left becomes right."""
    vertical_flip: Probability = 0.0
    right_angle: Probability = 0.0
    """Probability of a rotation by 90, 180 or 270 degrees; by 180 of images that are not square."""
    rotation: op.Rotation = op.Rotation(probability=0)
    zoom: op.Zoom = op.Zoom(probability=0)
    shear: op.Shear = op.Shear(probability=0)
    elastic: Elastic = op.Displacement(probability=0)
    """In free directions. By `amplitude` and `grid`, or by `alpha` and `sigma`, which become these."""
    distortion: Distortion = op.Displacement(probability=0)
    """Along a gradient: parts swell, others shrink. By `amplitude` and `grid`, or by `fraction` and `blur`."""
    barrel: op.Barrel = op.Barrel(probability=0)
    pincushion: op.Pincushion = op.Pincushion(probability=0)
    border: Literal["constant", "edge", "reflect"] = "constant"
    """What lies beyond the image: one value, with a mask of background; its outermost pixels; or its reflection."""
    fill: Probability = 0.0
    """The value of a constant border, over the largest."""
    interpolation: Literal["linear", "cubic"] = "linear"
    """Of the image; a mask takes the nearest pixel."""

    gamma: op.Gamma = op.Gamma(probability=0)
    contrast: op.Contrast = op.Contrast(probability=0)
    brightness: Brightness = op.Brightness(probability=0)
    """By `gain` and `offset`, or by `alpha` and `beta`, which become these."""
    clahe: op.Clahe = op.Clahe(probability=0)
    sharpening: op.Sharpening = op.Sharpening(probability=0)
    blur: op.Blur = op.Blur(probability=0)
    low_resolution: op.LowResolution = op.LowResolution(probability=0)
    noise: op.Noise = op.Noise(probability=0)
    cutout: op.Cutout = op.Cutout(probability=0)

    @model_validator(mode="wrap")
    @classmethod
    def _strengthened(cls, section: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return made_complete(section, strengthened, handler)

    @property
    def happens(self) -> bool:
        """Whether any operation has a chance."""
        return _any(self, [name for name, value in self if isinstance(value, op.Operation)], _FLIPS)

    @model_validator(mode="after")
    def _fits_together(self) -> Augmentation:
        for fault in _faults(self):
            raise ValueError(fault)
        return self


def _any(settings: Augmentation, operations: Iterable[str], flips: Iterable[str]) -> bool:
    chances = [getattr(settings, name).probability for name in operations]
    return any([*chances, *(getattr(settings, name) for name in flips)])


def _others_than_on_device(settings: Augmentation) -> Iterator[str]:
    """Operations with a chance that the training step does not do."""
    if settings.right_angle:
        yield "right_angle"
    if settings.gamma.probability and settings.gamma.inverted:
        yield "gamma.inverted"
    for name, value in settings:
        if isinstance(value, op.Operation) and name not in _VALUES_ON_DEVICE and value.probability:
            yield name


def _faults(settings: Augmentation) -> Iterator[str]:
    anew = [name for name in ("online", "on_device") if getattr(settings, name)]
    if settings.copies and anew:
        yield f"copies = {settings.copies} and {anew[0]} would augment what is augmented already: remove one"
    if (settings.copies or anew) and not settings.happens:
        what = anew[0] if anew else f"copies = {settings.copies}"
        yield f"{what}, but the probability of every operation is 0: raise that of one, or remove {what.split()[0]}"
    if settings.strength and not (settings.copies or anew):
        yield (
            f"strength = {settings.strength!r} and online = false: nothing would be augmented. Remove online, or set "
            "copies"
        )
    if settings.on_device and not _any(settings, _VALUES_ON_DEVICE, _FLIPS_ON_DEVICE):
        names = ", ".join((*_FLIPS_ON_DEVICE, *_VALUES_ON_DEVICE))
        yield f"on_device, but the probability of each of {names} is 0: raise that of one, or remove on_device"
    others = [name for name in _others_than_on_device(settings) if not settings.online]
    if settings.on_device and others:
        yield f"on_device leaves out {', '.join(others)}, whose probability is not 0: set online = true, or remove them"
    if settings.fill and settings.border != "constant":
        yield f"fill = {settings.fill} is read where border is 'constant', not {settings.border!r}: remove one"
