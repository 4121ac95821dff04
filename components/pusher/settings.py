"""`[serving]`: where the pusher puts versions, and what goes with them."""

from __future__ import annotations

from typing import Literal

from components.provenance import Provenance
from components.settings import Section

SignatureDetail = Literal["full", "coarse", "none"]


class Disclosure(Section):
    """What a version tells of the images that it was made of."""

    signatures: SignatureDetail = "coarse"
    """By which `maskline seen` and `maskline evaluate` know changed copies of an image. `full` is a picture of its
    details, 64 pixels a side, from which much of it can be rebuilt; `coarse` has 8 a side. Without any only the same
    pixels are known, also flipped and turned by right angles."""
    salt: str = ""
    """A file outside of the serving folder, made where it is missing: with its salt the names of images and groups are
    hashed in what goes with a version. Keep it: without it nothing can be trained beside the champion. Empty: names
    stay as they are."""


class Pushing(Disclosure):
    destination: str = ""
    """Folder that holds the served versions. Empty: `serving` in the output folder."""

    @property
    def disclosure(self) -> Disclosure:
        """These keys alone."""
        return Disclosure(**{name: getattr(self, name) for name in Disclosure.model_fields})


class PusherSettings(Provenance):
    disclosure: Disclosure
