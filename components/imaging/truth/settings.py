"""`[data.mask]`: how mask images are read."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.settings import Section


class Mask(Section):
    """How mask images are read."""

    form: Literal["binary", "indices", "colours", "one_hot"] = "binary"
    """`binary`: background and foreground. `indices`: grey values or palette entries are class indices.
    `colours`: by the colours below. `one_hot`: an `.npz` file with an array `mask` of shape `(H, W, classes)`."""
    threshold: Annotated[int, Field(ge=1, le=65535)] | Literal["otsu", "triangle"] | None = None
    """`binary`: grey value from which a pixel is foreground, or how to find it. None: a mask must have two values, 0
    and one other. JPEG masks need one."""
    foreground: Literal["bright", "dark"] = "bright"
    """`binary`: which of the two. `dark`: 0, or what is below the threshold."""
    colours: dict[str, str] = {}
    """`colours`: `"#rrggbb"` to a name of `[data] classes`, `background` or `ignore`."""
    ignore: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Of pixels that carry no truth, which are neither learnt from nor measured nor counted. `binary`: their grey
    value; `indices`: their value or palette entry. Of colours those that are called `ignore`."""
    max_colour_distance: Annotated[float, Field(ge=0, le=442)] = 60.0
    """`colours`: Euclidean RGB distance up to which a pixel counts as the nearest colour."""
