"""The description of a run: one class per TOML section. Imports neither TensorFlow nor TFX."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from components.trainer.models.registry import ARCHITECTURES

Probability = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A TOML table: unknown keys and wrong types are errors, numbers are finite, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


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


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from error


def _refuse_unless_one_capture(pattern: str) -> None:
    captures = _compiled(pattern).groups
    if captures != 1:
        raise ValueError(f"it has {captures} captures, expected one; (?:...) groups without a capture")


class Groups(Section):
    """What is never split: all samples of one group stand in one split."""

    by: Literal["layout", "name", "pattern", "pairs", "folder", "tile"] = "layout"
    """`layout`: what the layout knows (pairs of MIAS films, a manifest's column), else the name. `pattern`: see there.
    `pairs`: names whose last numbers are 2k-1 and 2k, after the same text, are one woman. `folder`: the parent folder.
    `tile`: the name without its last `_ROWxCOLUMN`."""
    pattern: str | None = Field(default=None, validate_default=True)
    """Regular expression, searched in the name without suffix; its one capture is the group."""

    @field_validator("pattern")
    @classmethod
    def _captures(cls, pattern: str | None, info: ValidationInfo) -> str | None:
        if "by" in info.data and (pattern is None) == (info.data["by"] == "pattern"):
            needs = 'by = "pattern" needs a regular expression' if pattern is None else 'a pattern needs by = "pattern"'
            raise ValueError(f"{needs}: set both or neither")
        if pattern is not None:
            _refuse_unless_one_capture(pattern)
        return pattern


class Splits(Section):
    """Which group goes where. Shares are whole numbers (hash buckets): train 70, eval 15, test 15."""

    train: Positive = 70
    eval: Positive = 15
    test: Positive = 15
    salt: str = ""
    """Changes which group falls into which split; keep it for the life of a data set."""
    stratify: bool = False
    """Even shares of each label (without labels: of foreground, where the truth is drawn) by scikit-learn's
    StratifiedGroupKFold: of 1 / share folds, rounded, one is the test split, and so for eval in what is left. Even on
    few groups, but not stable when data are added."""
    test_groups: list[str] = []
    """A fixed test list: these groups, and no others, are the test split. `*`, `?` and `[...]` stand for any text, any
    character and any of these."""
    test_site: str = ""
    """Leave one site out: the groups with an image of this site, and no others, are the test split."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Cross-validation: what is not test is cut into so many folds, of which `fold` is the eval split, whatever its
    share."""
    fold: Annotated[int, Field(ge=0)] = 0

    @field_validator("stratify")
    @classmethod
    def _shares_are_folds(cls, stratify: bool, info: ValidationInfo) -> bool:
        shares = [info.data[name] for name in ("train", "eval", "test") if name in info.data]
        if stratify and len(shares) == 3 and (shares[1] > shares[0] or 2 * shares[2] > sum(shares)):
            raise ValueError("test can be half of all at most, and eval half of the rest: give train a larger share")
        return stratify

    @field_validator("test_site")
    @classmethod
    def _one_test_split(cls, site: str, info: ValidationInfo) -> str:
        if site and info.data.get("test_groups"):
            raise ValueError("test_groups names the test split already: remove one of the two")
        return site

    @field_validator("fold")
    @classmethod
    def _is_a_fold(cls, fold: int, info: ValidationInfo) -> int:
        folds = info.data.get("folds", fold + 1)
        if folds is None and fold:
            raise ValueError("there are no folds: set folds, or remove fold")
        if folds is not None and fold >= folds:
            raise ValueError(f"expected 0 to {folds - 1}: folds count from 0")
        return fold


class Tiles(Section):
    """Records of `[data] height` by `width` cut from the image at its own scale."""

    overlap: Annotated[int, Field(ge=0)] = 0
    """Least overlap of neighbours in pixels."""
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
    colour_space: Literal["rgb", "hsv", "lab", "luv", "ycrcb"] = "rgb"


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
    """The layout stands in folders span-1, span-2, ...: those of the highest numbers are read, so many, 0 for all.
    What stands beside them is not. None: no spans."""
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
        if pattern is not None and not {"name"} <= set(_compiled(pattern).groupindex) <= {"name", "class"}:
            raise ValueError("expected a capture (?P<name>...), where wanted (?P<class>...), and no others with a name")
        return pattern

    @field_validator("site_pattern")
    @classmethod
    def _captures_the_site(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            _refuse_unless_one_capture(pattern)
        return pattern

    @field_validator("classes")
    @classmethod
    def _are_names(cls, classes: list[str]) -> list[str]:
        if not all(classes) or len(set(classes)) < len(classes) or "background" in classes:
            raise ValueError("expected names, each of them once, without `background`, which is class 0")
        return classes

    @model_validator(mode="after")
    def _fits_together(self) -> Data:
        for fault in chain(_layout_faults(self), _mask_faults(self), _derivation_faults(self)):
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
    by_class = "class" in _compiled(data.mask_pattern or "").groupindex
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
    if data.channels == 1 and data.adjust.colour_space != "rgb":
        yield f"adjust.colour_space {data.adjust.colour_space!r} needs colours: set channels = 3"
    if data.tiles and data.tiles.overlap >= min(data.height, data.width):
        yield (
            f"tiles.overlap = {data.tiles.overlap}, expected less than a tile, "
            f"which has height {data.height} and width {data.width}"
        )


class Validation(Section):
    max_reject_fraction: Probability = 0.05
    """Share of the sources that may be unusable before the data gate stops the run."""
    min_groups: Positive = 3
    """Least number of groups (patients) in each split: a number measured on one woman says nothing."""
    max_drift: Probability = 0.4
    """Largest distance of a feature's distribution from that in the champion's data (Kolmogorov-Smirnov statistic);
    1 allows everything."""


class Augmentation(Section):
    copies: Annotated[int, Field(ge=0)] = 0
    """Augmented copies per training record, beside the record itself."""
    horizontal_flip: Probability = 0.5
    vertical_flip: Probability = 0.0
    right_angle: Probability = 0.0
    """Probability of a rotation by 90, 180 or 270 degrees."""
    max_rotation_degrees: Annotated[float, Field(ge=0, le=180)] = 15.0
    seed: int = 0


class Model(Section):
    architecture: str = "unet"
    parameters: dict[str, Any] = Field(default={}, validate_default=True)
    """The architecture's own parameters; `maskline models` lists them."""

    @field_validator("architecture")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in ARCHITECTURES:
            raise ValueError(f"no such architecture; known: {', '.join(sorted(ARCHITECTURES))}")
        return name

    @field_validator("parameters")
    @classmethod
    def _complete(cls, parameters: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        architecture = ARCHITECTURES.get(info.data.get("architecture", ""))
        return architecture(**parameters).model_dump() if architecture else parameters


class Training(Section):
    epochs: Positive
    batch_size: Positive = 8
    loss: Literal["bce_dice"] = "bce_dice"
    optimizer: Literal["adam"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 1e-3
    clip_value: Annotated[float, Field(gt=0)] | None = None
    early_stopping_patience: Positive = 10
    """Epochs without a lower validation loss after which training ends."""
    reduce_lr_patience: Positive = 4
    reduce_lr_factor: Annotated[float, Field(gt=0, lt=1)] = 0.3
    seed: int = 0


class Evaluation(Section):
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Probability from which a pixel is predicted foreground."""
    empty_masks: Literal["skip", "zero_if_predicted"] = "skip"
    """Dice of a case without foreground: left out of the mean, or 1 when nothing is predicted and 0 otherwise."""
    min_dice: Probability = 0.0
    max_loss: Annotated[float, Field(gt=0)] | None = None
    min_dice_change: Annotated[float, Field(ge=-1, le=1)] = 0.0
    """Least difference of the mean Dice to the champion's, both measured now on the same cases."""
    min_cases: Positive = 1


class Serving(Section):
    destination: str = ""
    """Folder that holds the served versions. Empty: `serving` in the output folder."""


class Execution(Section):
    cache: bool = True
    """Reuse the results of nodes whose inputs, parameters and code have not changed."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Images that are worked on at once; 0: one per core."""
    parallel: Literal["threads", "processes"] = "threads"
    """`threads` within one process, or Beam's worker `processes`, whose start takes seconds."""


class Config(Section):
    """Everything that describes a run."""

    data: Data
    validation: Validation = Validation()
    augmentation: Augmentation = Augmentation()
    model: Model = Model()
    training: Training
    evaluation: Evaluation = Evaluation()
    serving: Serving = Serving()
    execution: Execution = Execution()

    @model_validator(mode="after")
    def _model_fits_data(self) -> Config:
        multiple = ARCHITECTURES[self.model.architecture](**self.model.parameters).input_multiple
        for key in ("height", "width"):
            size = getattr(self.data, key)
            if size % multiple:
                raise ValueError(
                    f"[data] {key} = {size} does not fit [model] {self.model.architecture}: "
                    f"it must be a multiple of {multiple}"
                )
        return self
