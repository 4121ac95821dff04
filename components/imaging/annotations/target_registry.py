"""The forms that `maskline convert --to` writes. What reads for a run does not know them."""

from __future__ import annotations

from components.imaging.annotations import coco, cvat, geojson, index_masks, label_studio
from components.imaging.annotations.target import Target

TARGETS: dict[str, Target] = {
    module.TARGET.name: module.TARGET for module in (coco, cvat, label_studio, geojson, index_masks)
}
