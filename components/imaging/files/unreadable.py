"""Why an image file cannot be used."""

from __future__ import annotations

from components.reason import Reason


class UnreadableImage(Reason):
    """A file or byte string that does not hold one whole image of a kind that is read."""


class TooManyPixels(UnreadableImage):
    """An image whose header claims more pixels than are allowed; none of them has been decoded."""


def check_size(width: int, height: int, max_pixels: int) -> None:
    """To be called with the size from a header, before anything of that size is made.

    Raises:
        UnreadableImage: no pixels.
        TooManyPixels: more than `max_pixels`.
    """
    if width < 1 or height < 1:
        raise UnreadableImage(f"its header claims {width} x {height} pixels")
    if width * height > max_pixels:
        raise TooManyPixels(
            f"has {width} x {height} = {width * height} pixels, more than the {max_pixels} that are allowed: "
            "raise [data] max_megapixels to read it"
        )
