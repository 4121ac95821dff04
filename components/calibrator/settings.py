"""What the calibrator reads of a config."""

from __future__ import annotations

from components.imaging.files.limits import LIMITS
from components.inference.settings import Inference
from components.measures.measure import EmptyMasks
from components.records.settings import Derivation
from components.settings import Section
from components.task import Task


class CalibratorSettings(Section):
    """Everything that an operating point depends on."""

    inference: Inference
    task: Task
    derivation: Derivation
    empty_masks: EmptyMasks
    """As of `[evaluation]`."""
    max_pixels: int = LIMITS.pixels
    """Of a file that the model is asked about: as of `[data] max_megapixels`."""
    splits: list[str]
    """On whose images it is chosen: of each inference its own."""
