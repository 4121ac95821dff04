"""The one list of architectures. Importing it does not import Keras: configs are checked without it.

The name of an architecture is that of its package. In it `parameters.py` has the class that is listed here, and
`network.py` the function `body(images, parameters)`: standardised images `(N, H, W, C)` to features `(N, H, W, F)`,
those at the images' size first, coarser side outputs after them. Where weights come from elsewhere than a draw, it has
the function `pretrained(network, parameters)` as well: it gives them to the `keras.Model` of body and head, and says
for `training.json` which they are.
"""

from __future__ import annotations

from components.trainer.models.architecture import Architecture
from components.trainer.models.encoder_unet.parameters import EncoderUNet
from components.trainer.models.unet.parameters import UNet

ARCHITECTURES: dict[str, type[Architecture]] = {"unet": UNet, "encoder_unet": EncoderUNet}


def network_module(architecture: str) -> str:
    """The module that builds an architecture."""
    return f"{__package__}.{architecture}.network"
