"""The formats that `[data] format` may name, and those that `maskline convert --to` writes."""

from __future__ import annotations

from components.imaging.annotations import (
    cbis_ddsm,
    coco,
    cvat,
    geojson,
    imagescope,
    inbreast,
    index_masks,
    label_studio,
    labelme,
    run_length_table,
    via,
)
from components.imaging.annotations.document import Format
from components.imaging.annotations.target import Target

_MODULES = (coco, labelme, via, cvat, geojson, imagescope, label_studio, run_length_table, inbreast, cbis_ddsm)
FORMATS: dict[str, Format] = {module.FORMAT.name: module.FORMAT for module in _MODULES}
TARGETS: dict[str, Target] = {
    module.TARGET.name: module.TARGET for module in (coco, cvat, label_studio, geojson, index_masks)
}
