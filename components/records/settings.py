"""What the sections say of a record: how it is derived from its source, and which split it goes into."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from components.imaging.adjust import Adjust
from components.imaging.geometry.placement import FITS
from components.settings import OneOf, Positive, Probability, Section


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


class Derivation(Section):
    """The keys of `[data]` on which it depends what a model sees of an image."""

    height: Annotated[int, Field(ge=16, le=16384)]
    width: Annotated[int, Field(ge=16, le=16384)]
    channels: Literal[1, 3] = 1
    fit: Annotated[str, OneOf(FITS)] = "letterbox"
    """How an image is brought to the size: whole with black borders, whole and distorted, or the centre at its own
    scale."""
    tiles: Tiles | None = None
    """Tiles in place of `fit`."""
    adjust: Adjust = Adjust()
    dicom_window: bool = False
    """Apply the window of DICOM files; without it they keep their full range."""

    @property
    def derivation(self) -> Derivation:
        """These keys alone, of a section that has more."""
        return Derivation(**{name: getattr(self, name) for name in Derivation.model_fields})

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of every record."""
        return self.height, self.width, self.channels

    @model_validator(mode="after")
    def _colours_for_a_colour_space(self) -> Self:
        if self.channels == 1 and self.adjust.colour_space != "rgb":
            raise ValueError(f"adjust.colour_space {self.adjust.colour_space!r} needs colours: set channels = 3")
        return self

    @model_validator(mode="after")
    def _overlap_at_most_half(self) -> Self:
        # More would cut a large image into millions of tiles.
        if self.tiles and 2 * self.tiles.overlap > min(self.height, self.width):
            raise ValueError(
                f"tiles.overlap = {self.tiles.overlap}, expected at most half a tile, "
                f"which has height {self.height} and width {self.width}"
            )
        return self


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
    character and any of these. Where data arrive in spans, the test share of the groups that the newest span brings
    for the first time joins them, until the next span comes."""
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
