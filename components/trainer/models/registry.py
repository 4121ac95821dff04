"""The one list of architectures. Importing it does not import Keras: configs are checked without it."""

from __future__ import annotations

from components.trainer.models.architecture import Architecture
from components.trainer.models.unet import UNet

ARCHITECTURES: dict[str, type[Architecture]] = {"unet": UNet}
