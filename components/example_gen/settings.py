"""`[data]`, as far as it says how images and their truth are read, derived and split."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from components.example_gen.layouts.registry import LAYOUTS
from components.example_gen.layouts.settings import Reading
from components.imaging.files.limits import Limits
from components.imaging.truth.legend import TABLES, legend_faults
from components.imaging.truth.settings import Mask
from components.records.settings import Derivation
from components.records.split_settings import FoldCount, Splits
from components.records.splits import fold_split, splits_of
from components.settings import OneOf, Positive, Section, compiled, refuse_unless_one_capture
from components.task import Task

Length = Annotated[float, Field(gt=0, le=1000)]
"""In millimetres."""


class Groups(Section):
    """What is never split: all samples of one group stand in one split."""

    by: Literal["layout", "name", "pattern", "pairs", "folder", "tile", "path"] = "layout"
    """`layout`: what the layout knows (pairs of MIAS films, a manifest's column), else the name. `pattern`: see there.
    `pairs`: names whose last numbers are 2k-1 and 2k, after the same text, are one woman. `folder`: the parent folder.
    `tile`: the name without its last `_ROWxCOLUMN`. `path`: each image is its own, whatever others are called."""
    pattern: str | None = Field(default=None, validate_default=True)
    """Regular expression, searched in the name without suffix; its one capture is the group."""

    @field_validator("pattern")
    @classmethod
    def _captures(cls, pattern: str | None, info: ValidationInfo) -> str | None:
        if "by" in info.data and (pattern is None) == (info.data["by"] == "pattern"):
            needs = 'by = "pattern" needs a regular expression' if pattern is None else 'a pattern needs by = "pattern"'
            raise ValueError(f"{needs}: set both or neither")
        if pattern is not None:
            refuse_unless_one_capture(pattern)
        return pattern


class LayoutChoice(Section):
    layout: Annotated[str, OneOf(LAYOUTS)]


class DataKeys(Derivation, Reading, LayoutChoice):
    """The section `[data]`, less what only the start of a run needs to know."""

    spans: Annotated[int, Field(ge=0)] | None = None
    """The layout stands in folders span-1, span-2, ..., or span-2026-11-21, ...; what stands beside them is not read.
    A run trains on the newest ones, so many, 0 for all, and tests on test groups of all of them, so that its numbers
    compare with those of other runs: keep old spans. Other samples of older spans are left out. None: no spans."""
    leave_out: list[str] = []
    """Paths of images below the input folder that are not used, such as copies of others."""
    groups: Groups = Groups()
    site_pattern: str | None = None
    """Regular expression on the name; its one capture is the site."""
    max_megapixels: Positive = 100
    """Larger images are rejected before they are decoded."""
    max_seconds: Annotated[float, Field(gt=0, le=1_000_000)] = 60.0
    """Of the processor; an image or a mask that takes longer to decode is rejected."""
    splits: Splits = Splits()
    spacing_mm: Length | Annotated[list[Length], Field(min_length=2, max_length=2)] | None = None
    """The size of a pixel of every image, or its height and its width, whatever files say. None: that of the file,
    where DICOM or TIFF tells one. Distances of surfaces can be measured in it: see `[evaluation] surface_tolerance`."""

    @property
    def spacing(self) -> tuple[float, float] | None:
        """Height and width in mm, where they are set."""
        if self.spacing_mm is None:
            return None
        height, width = self.spacing_mm if isinstance(self.spacing_mm, list) else (self.spacing_mm, self.spacing_mm)
        return height, width

    @property
    def has_regions(self) -> bool:
        """Whether files tell which pixels carry a truth."""
        return bool(self.regions or self.paths.region)

    @property
    def limits(self) -> Limits:
        return Limits(1_000_000 * self.max_megapixels, self.max_seconds)

    @property
    def task(self) -> Task:
        """What the truth lets a model learn."""
        named = {*self.mask.levels.values(), *self.mask.colours.values()}
        ignores = self.mask.ignore is not None or "ignore" in named
        regions = self.has_regions or LAYOUTS[self.layout].ignores
        return Task(classes=self.classes or ["foreground"], ignores=ignores or regions)

    @field_validator("site_pattern")
    @classmethod
    def _captures_the_site(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            refuse_unless_one_capture(pattern)
        return pattern

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for fault in chain(_layout_faults(self), _mask_faults(self), _span_faults(self)):
            raise ValueError(fault)
        return self


class DataSettings(DataKeys):
    """What becomes of a folder: these keys of `[data]`, and the number of folds."""

    folds: FoldCount | None = None
    """`[folds] k`; None: what is not test is cut into train and eval."""

    @property
    def run_splits(self) -> tuple[str, ...]:
        """The splits of the records, in their order."""
        return splits_of(self.folds)

    @property
    def validation_split(self) -> str:
        """One by which a model may be tried without the test split."""
        return fold_split(1) if self.folds else "eval"


def _layout_faults(data: DataKeys) -> Iterator[str]:
    read = LAYOUTS[data.layout].keys
    for key in sorted(set().union(*(layout.keys for layout in LAYOUTS.values())) - read):
        # A config that is shown whole names every key; those with their default say nothing.
        if getattr(data, key) != Reading.model_fields[key].default:
            readers = ", ".join(name for name, layout in LAYOUTS.items() if key in layout.keys)
            yield f"layout {data.layout!r} does not read {key}: remove it, or set a layout that does ({readers})"
    folders = {"images": data.images, "masks": data.masks, **({"regions": data.regions} if data.regions else {})}
    for (key, one), (other_key, other) in combinations(folders.items(), 2):
        within = PurePosixPath(one).is_relative_to(other) or PurePosixPath(other).is_relative_to(one)
        if other_key in read and within:
            yield f"{key} {one!r} and {other_key} {other!r}: expected two folders, none of them within the other"


_READ_BY = {
    **dict.fromkeys(("threshold", "foreground"), ("binary",)),
    "levels": ("levels",),
    **dict.fromkeys(("colours", "max_colour_distance"), ("colours",)),
    "max_stray": ("binary", "colours", "indices", "levels"),
}
"""Keys of `[data.mask]`, and the forms that read them."""


def _mask_faults(data: DataKeys) -> Iterator[str]:
    read = LAYOUTS[data.layout].keys
    mask = data.mask
    by_class = "class" in compiled(data.mask_pattern or "").groupindex or data.paths.tell_classes
    if by_class and not data.classes:
        yield "mask_pattern captures a class, but there are no classes: set classes"
    one_class = mask.form in ("binary", "instances")
    if by_class and not one_class:
        yield (
            "mask_pattern captures a class, so each mask is of one; expected mask.form 'binary' or 'instances', not "
            f"{mask.form!r}"
        )
    if len(data.classes) > 1 and one_class and not by_class and "mask" in read:
        yield f"masks of mask.form {mask.form!r} do not tell {len(data.classes)} classes apart: set another form" + (
            ", or capture (?P<class>...) in mask_pattern" if "mask_pattern" in read else ""
        )
    for key, forms in _READ_BY.items():
        if mask.form not in forms and getattr(mask, key) != Mask.model_fields[key].default:
            readers = " or ".join(map(repr, forms))
            yield f"mask.{key} is read where mask.form is {readers}, not {mask.form!r}: remove one"
    if mask.threshold is not None and mask.max_stray != Mask.model_fields["max_stray"].default:
        yield "mask.max_stray is not read where mask.threshold is set, by which every value counts: remove one"
    if mask.ignore is not None and mask.form not in ("binary", "indices", "instances"):
        named = {"colours": '"#rrggbb" = "ignore"', "levels": '255 = "ignore"'}.get(mask.form)
        yield (
            f"mask.ignore is a grey value or palette entry, which mask.form {mask.form!r} does not have: remove it"
            + (f", or name its {mask.form[:-1]} in mask.{mask.form}: {named}" if named else "")
        )
    if mask.form == "indices" and mask.ignore in dict(enumerate(data.task.classes, 1)):
        yield f"mask.ignore = {mask.ignore} is one of the classes 1 to {len(data.task.classes)}: change it"
    if isinstance(mask.threshold, str) and (data.has_regions or mask.ignore is not None):
        yield f"mask.threshold {mask.threshold!r} looks at all pixels, also at those to be ignored: give a number"
    if mask.form in TABLES:
        yield from legend_faults(mask, data.task.classes)


def _span_faults(data: DataKeys) -> Iterator[str]:
    if data.spans is None:
        return
    if data.splits.test_site:
        yield (
            "splits.test_site does not go with spans: a patient seen elsewhere before would come into the test split "
            "after training. List the groups in splits.test_groups"
        )
