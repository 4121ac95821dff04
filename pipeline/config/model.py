"""The description of a run: one class per TOML section. Imports neither TensorFlow nor TFX."""

from __future__ import annotations

import re
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


class Groups(Section):
    """What is never split: all samples of one group stand in one split."""

    by: Literal["layout", "name", "pattern", "pairs", "folder", "tile"] = "layout"
    """`layout`: what the layout knows (pairs of MIAS films, a manifest's column), else the name. `pattern`: see there.
    `pairs`: numbers 2k-1 and 2k are one woman. `folder`: the parent folder. `tile`: the name without its last
    `_ROWxCOLUMN`."""
    pattern: str | None = None
    """Regular expression, searched in the name without suffix; its one capture is the group."""


class Splits(Section):
    """Which group goes where. Shares are whole numbers (hash buckets): train 70, eval 15, test 15."""

    train: Positive = 70
    eval: Positive = 15
    test: Positive = 15
    salt: str = ""
    """Changes which group falls into which split; keep it for the life of a data set."""
    stratify: bool = False
    """Even shares of each label (without labels: of foreground) by scikit-learn's StratifiedGroupKFold. Even on few
    groups, but not stable when data are added."""
    test_groups: list[str] = []
    """A fixed test list: these groups, and no others, are the test split."""
    test_site: str = ""
    """Leave one site out: the groups of this site, and no others, are the test split."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Cross-validation: what is not test is cut into so many folds, of which `fold` is the eval split."""
    fold: Annotated[int, Field(ge=0)] = 0


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
    """Names of the two folders; files are paired by name without suffix."""
    mask_pattern: str | None = None
    """Regular expression on a mask's path within its folder, without suffix: `(?P<name>...)` is the name of the image,
    `(?P<class>...)`, where it is there, one of the classes below. Several masks may belong to one image."""
    table: str = ""
    """Truth table, manifest, annotations or shapes, in the input folder. Empty: the layout's usual name."""
    edition: Literal["mini", "full"] = "mini"
    """`mias`: films of 1024 x 1024 pixels, or the originals of version 1.21; their coordinates are not the same."""
    labels: list[str] = []
    """`mias`, `via`: draw lesions of these labels alone and leave out images that have only others. Empty: all."""
    classes: list[str] = []
    """Names of the classes 1, 2, ... in the truth. Empty: one class, foreground."""
    spans: Annotated[int, Field(ge=0)] | None = None
    """The layout stands in folders span-1, span-2, ...: the last so many are read, 0 for all. None: no spans."""
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
        if not name or set(name) & set("[]{}*?") or name.startswith("/"):
            raise ValueError("expected a name within the input folder, without any of [ ] { } * ?")
        return name


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
