"""What the sections say of a record: how it is derived from its source, and which split it goes into."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

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
    def _overlap_at_most_half(self) -> Self:
        # More would cut a large image into millions of tiles.
        if self.tiles and 2 * self.tiles.overlap > min(self.height, self.width):
            raise ValueError(
                f"tiles.overlap = {self.tiles.overlap}, expected at most half a tile, "
                f"which has height {self.height} and width {self.width}"
            )
        return self


class Splits(Section):
    """Which group goes where. Shares are whole numbers, such as 70, 15 and 15. Each split gets its share as exactly as
    whole groups allow: of all, and of those of each label, with and without foreground where the truth is drawn. A hash
    decides which. What the champion was tested on stays in test when data are added, what it has learnt is never drawn
    into it; to draw anew, delete CHAMPION.json."""

    train: Positive = 70
    eval: Positive = 15
    test: Positive = 15
    salt: str = ""
    """Changes the hash: which groups are drawn into which split, and which empty tiles are kept."""
    test_groups: list[str] = []
    """A fixed test list: these groups, and no others, are the test split. `*`, `?` and `[...]` stand for any text, any
    character and any of these. Where data arrive in spans, the test share of the groups that the newest span brings
    for the first time joins them, until the next span comes."""
    test_site: str = ""
    """Leave one site out: the groups with an image of this site, and no others, are the test split."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Cross-validation: what is not test is cut into so many folds, alike in size, labels and foreground; `fold` is the
    eval split, whatever its share."""
    fold: Annotated[int, Field(ge=0)] = 0

    @model_validator(mode="before")
    @classmethod
    def _stratify_is_gone(cls, table: Any) -> Any:
        if isinstance(table, dict) and "stratify" in table:
            raise ValueError("splits are always even in labels and foreground now: remove the key stratify")
        return table

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
