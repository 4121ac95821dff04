"""`[data]`: where the images and their truth stand, how they are read, derived and split."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from pipeline.config.section import Positive, Probability, Section, compiled, refuse_unless_one_capture
from pipeline.config.splits import Groups, Splits


class Mask(Section):
    """How mask images are read."""

    form: Literal["binary", "indices", "colours", "one_hot"] = "binary"
    """`binary`: background and foreground. `indices`: grey values or palette entries are class indices.
    `colours`: by the colours below. `one_hot`: an `.npz` file with an array `mask` of shape `(H, W, classes)`."""
    threshold: Annotated[int, Field(ge=1, le=65535)] | Literal["otsu", "triangle"] | None = None
    """`binary`: grey value from which a pixel is foreground, or how to find it. None: a mask must have two values, 0
    and one other. JPEG masks need one."""
    colours: dict[str, str] = {}
    """`colours`: `"#rrggbb"` to a name of `[data] classes` or `background`."""
    max_colour_distance: Annotated[float, Field(ge=0, le=442)] = 60.0
    """`colours`: Euclidean RGB distance up to which a pixel counts as the nearest colour."""


class Tiles(Section):
    """Records of `[data] height` by `width` cut from the image at its own scale."""

    overlap: Annotated[int, Field(ge=0)] = 0
    """Least overlap of neighbours in pixels, at most half a tile."""
    edge: Literal["overlap", "pad", "stretch"] = "overlap"
    """Sizes that tiles do not fit into evenly: neighbours overlap more, black is added, or the image is resized up to
    the next multiple."""
    keep_empty: Probability = 0.25
    """Share of the training tiles without foreground that is kept; other splits keep all."""
    reduced_copy: bool = False
    """Add the whole image, letterboxed to the size of a tile."""


class Adjust(Section):
    """Changes of the image, not of its mask, before training and, in the exported graph, before each prediction."""

    gamma: Annotated[float, Field(gt=0)] = 1.0
    """value ** gamma, on values in 0..1."""
    contrast: Annotated[float, Field(gt=0)] = 1.0
    brightness: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """contrast * value + brightness, on values in 0..1, clipped."""
    invert: bool = False
    clahe_clip: Annotated[float, Field(gt=0)] | None = None
    """Clip limit of contrast-limited adaptive histogram equalisation; None: off."""
    clahe_grid: Annotated[int, Field(ge=1, le=64)] = 8


class Phantoms(Section):
    """Computer-made films, written where the recipe names no input."""

    women: Positive
    size: Annotated[int, Field(ge=64, le=4096)]
    seed: int


LAYOUT_KEYS = {
    "folders": {"images", "masks", "mask_pattern", "mask"},
    "presplit": {"images", "masks", "mask_pattern", "mask"},
    "manifest": {"table", "mask"},
    "mias": {"table", "edition", "labels"},
    "bcss": {"images", "table"},
    "sipakmed": set(),
    "via": {"images", "table", "labels"},
}
"""The keys of `[data]` that a layout reads, beside those that every layout does."""


class Data(Section):
    input: str = ""
    """Folder with the source images; `--data` sets it. Empty: the phantoms below are made."""
    layout: Literal["folders", "presplit", "manifest", "mias", "bcss", "sipakmed", "via"]
    images: str = "images"
    masks: str = "masks"
    """Names of the two folders, read with their sub-folders, one level deep. Files are paired by name: the path within
    the folder, without suffix."""
    mask_pattern: str | None = None
    """Regular expression on the whole name of a mask: `(?P<name>...)` is the name of the image, `(?P<class>...)`, where
    it is there, one of the classes below. Several masks may belong to one image."""
    table: str = ""
    """Truth table, manifest, annotations or shapes, in the input folder. Empty: the layout's usual name. A manifest is
    CSV with a header, or TOML with `[[sample]]`: `image`, `mask` (several separated by `;`; empty: no foreground), and
    where wanted `group`, `label`, `split`, `site`, `id`."""
    edition: Literal["mini", "full"] = "mini"
    """`mias`: films of 1024 x 1024 pixels, or the originals of version 1.21; their coordinates are not the same."""
    labels: list[str] = []
    """`mias`, `via`: draw lesions of these labels alone and leave out images that have only others. Empty: all."""
    classes: Annotated[list[str], Field(max_length=255)] = []
    """Names of the classes 1, 2, ... in the truth. Empty: one class, foreground."""
    spans: Annotated[int, Field(ge=0)] | None = None
    """The layout stands in folders span-1, span-2, ..., or span-2026-11-21, ...; what stands beside them is not read.
    A run trains on the newest ones, so many, 0 for all, and tests on test groups of all of them, so that its numbers
    compare with those of other runs: keep old spans. Other samples of older spans are left out. None: no spans."""
    mask: Mask = Mask()
    groups: Groups = Groups()
    site_pattern: str | None = None
    """Regular expression on the name; its one capture is the site."""
    height: Annotated[int, Field(ge=16, le=16384)]
    width: Annotated[int, Field(ge=16, le=16384)]
    channels: Literal[1, 3] = 1
    fit: Literal["letterbox", "stretch", "crop"] = "letterbox"
    """How an image is brought to the size: whole with black borders, whole and distorted, or the centre at its own
    scale."""
    tiles: Tiles | None = None
    """Tiles in place of `fit`."""
    adjust: Adjust = Adjust()
    dicom_window: bool = False
    """Apply the window of DICOM files; without it they keep their full range."""
    max_megapixels: Positive = 100
    """Larger images are rejected before they are decoded."""
    splits: Splits = Splits()
    notice: str = ""
    """A sentence about the data that must stand in every report and manifest."""
    phantoms: Phantoms | None = None

    @field_validator("images", "masks", "table")
    @classmethod
    def _plain_name(cls, name: str, info: ValidationInfo) -> str:
        if not name and info.field_name == "table":
            return name
        path = PurePosixPath(name)
        if set(name) & set("[]{}*?\\\0") or not name or ".." in path.parts or path.is_absolute():
            raise ValueError("expected a name within the input folder, without any of [ ] { } * ? \\")
        return path.as_posix()

    @field_validator("mask_pattern")
    @classmethod
    def _names_the_image(cls, pattern: str | None) -> str | None:
        if pattern is not None and not {"name"} <= set(compiled(pattern).groupindex) <= {"name", "class"}:
            raise ValueError("expected a capture (?P<name>...), where wanted (?P<class>...), and no others with a name")
        return pattern

    @field_validator("site_pattern")
    @classmethod
    def _captures_the_site(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            refuse_unless_one_capture(pattern)
        return pattern

    @field_validator("classes")
    @classmethod
    def _are_names(cls, classes: list[str]) -> list[str]:
        if not all(classes) or len(set(classes)) < len(classes) or "background" in classes:
            raise ValueError("expected names, each of them once, without `background`, which is class 0")
        return classes

    @model_validator(mode="after")
    def _fits_together(self) -> Data:
        for fault in chain(_layout_faults(self), _mask_faults(self), _derivation_faults(self), _span_faults(self)):
            raise ValueError(fault)
        return self


def _layout_faults(data: Data) -> Iterator[str]:
    for key in sorted(set().union(*LAYOUT_KEYS.values()) - LAYOUT_KEYS[data.layout]):
        # A config that is shown whole names every key; those with their default say nothing.
        if getattr(data, key) != Data.model_fields[key].default:
            readers = ", ".join(layout for layout, keys in LAYOUT_KEYS.items() if key in keys)
            yield f"layout {data.layout!r} does not read {key}: remove it, or set a layout that does ({readers})"
    images, masks = PurePosixPath(data.images), PurePosixPath(data.masks)
    if "masks" in LAYOUT_KEYS[data.layout] and (images.is_relative_to(masks) or masks.is_relative_to(images)):
        yield f"images {data.images!r} and masks {data.masks!r}: expected two folders, none of them within the other"


def _mask_faults(data: Data) -> Iterator[str]:
    mask, names = data.mask, {"background", *(data.classes or ["foreground"])}
    by_class = "class" in compiled(data.mask_pattern or "").groupindex
    if by_class and not data.classes:
        yield "mask_pattern captures a class, but there are no classes: set classes"
    if by_class and mask.form != "binary":
        yield f"mask_pattern captures a class, so each mask is of one; expected mask.form 'binary', not {mask.form!r}"
    if len(data.classes) > 1 and mask.form == "binary" and not by_class and "mask" in LAYOUT_KEYS[data.layout]:
        yield f"masks of mask.form 'binary' do not tell {len(data.classes)} classes apart: set another form" + (
            ", or capture (?P<class>...) in mask_pattern" if "mask_pattern" in LAYOUT_KEYS[data.layout] else ""
        )
    for key, form in (("threshold", "binary"), ("colours", "colours"), ("max_colour_distance", "colours")):
        if mask.form != form and getattr(mask, key) != Mask.model_fields[key].default:
            yield f"mask.{key} is read where mask.form is {form!r}, not {mask.form!r}: remove one"
    if mask.form == "colours" and not set(mask.colours.values()) - {"background"}:
        yield "mask.form 'colours' needs mask.colours, with one colour that is not background"
    if len({colour.lower() for colour in mask.colours}) < len(mask.colours):
        yield "mask.colours has one colour twice"
    for colour, name in mask.colours.items():
        if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
            yield f"mask.colours: found {colour!r}, expected a colour like '#ff8000'"
        if name not in names:
            yield f"mask.colours: {colour!r} is {name!r}, expected one of {', '.join(sorted(names))}"


def _derivation_faults(data: Data) -> Iterator[str]:
    # More would cut a large image into millions of tiles.
    if data.tiles and 2 * data.tiles.overlap > min(data.height, data.width):
        yield (
            f"tiles.overlap = {data.tiles.overlap}, expected at most half a tile, "
            f"which has height {data.height} and width {data.width}"
        )


def _span_faults(data: Data) -> Iterator[str]:
    if data.spans is None:
        return
    if data.splits.stratify:
        yield (
            "splits.stratify draws anew when data arrive, and would put into the test split what an earlier model was "
            "trained on: remove it, or spans"
        )
    if data.splits.test_site:
        yield (
            "splits.test_site does not go with spans: a patient seen elsewhere before would come into the test split "
            "after training. List the groups in splits.test_groups"
        )
