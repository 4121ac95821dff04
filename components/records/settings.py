"""What `[data]` says of how a record is derived from its source."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.imaging.adjust import Adjust
from components.imaging.geometry.placement import FITS
from components.settings import OneOf, Probability, Section


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
    orientation: Literal["apply", "ignore"] | None = None
    """What is meant where files carry an orientation (EXIF, TIFF tag 274): `apply` turns images and masks upright, each
    by its own; `ignore` takes both as they are stored. None: as `apply`, but a sample is refused whose image and truth
    carry different ones, unless their sizes tell."""

    @property
    def derivation(self) -> Derivation:
        """These keys alone, of a section that has more."""
        return Derivation(**{name: getattr(self, name) for name in Derivation.model_fields})

    @property
    def upright(self) -> bool:
        """Whether the orientation that files carry is applied."""
        return self.orientation != "ignore"

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
