"""`[data.mask]`: how mask images are read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.settings import Section


class Mask(Section):
    """How mask images are read."""

    form: Literal["binary", "indices", "levels", "colours", "instances", "one_hot"] = "binary"
    """`binary`: background and foreground. `indices`: grey values or palette entries are class indices. `levels`: grey
    values as named below; of a file with a palette of colours its entries. `colours`: by the colours below.
    `instances`: grey values or palette entries number objects of the one class, 0 is background. `one_hot`: an `.npz`
    file with an array `mask` of shape `(H, W, classes)`. Of a DICOM segmentation, whatever the form, each segment is
    the class of its label; where there is one class they are united."""
    threshold: Annotated[int, Field(ge=1, le=65535)] | Literal["otsu", "triangle"] | None = None
    """`binary`: grey value from which a pixel is foreground, or how to find it. None: a mask must have two values, 0
    and one other. JPEG masks need one."""
    foreground: Literal["bright", "dark"] = "bright"
    """`binary`: which of the two. `dark`: 0, or what is below the threshold."""
    levels: dict[str, str] = {}
    """`levels`: a grey value, such as `64`, to a name of `[data] classes`, `background` or `ignore`. Of JPEG masks the
    nearest level counts."""
    colours: dict[str, str] = {}
    """`colours`: `"#rrggbb"` to a name of `[data] classes`, `background` or `ignore`."""
    ignore: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Of pixels that carry no truth, which are neither learnt from nor measured nor counted. `binary`: their grey
    value; `indices` and `instances`: their value or palette entry. Of levels and colours those that are called
    `ignore`."""
    max_colour_distance: Annotated[float, Field(ge=0, le=442)] = 60.0
    """`colours`: Euclidean RGB distance up to which a pixel counts as the nearest colour; of JPEG masks, whose edges
    are mixed of two colours, that from such a mixture."""
    max_stray: Annotated[float, Field(ge=0, le=1)] = 0.001
    """`colours`, `levels`, `indices`, `binary` without a threshold: share of a mask's pixels that may have a colour or
    value that is none of those expected. They count as the nearest of these, of `indices` as background."""
