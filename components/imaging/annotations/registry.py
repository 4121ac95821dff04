"""The formats that `[data] format` may name."""

from __future__ import annotations

from components.imaging.annotations import (
    cbis_ddsm,
    coco,
    cvat,
    geojson,
    imagescope,
    inbreast,
    label_studio,
    labelme,
    run_length_table,
    via,
)
from components.imaging.annotations.document import Format

_MODULES = (coco, labelme, via, cvat, geojson, imagescope, label_studio, run_length_table, inbreast, cbis_ddsm)
FORMATS: dict[str, Format] = {module.FORMAT.name: module.FORMAT for module in _MODULES}
