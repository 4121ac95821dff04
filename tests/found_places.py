"""Small folders of `COUNT` pairs, drawn here, that differ in how files belong together and in which split they are."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from found_folders import HEIGHT, WIDTH, picture, ring, save


def pair(root: Path, image: str, mask: str, number: int) -> None:
    """A phantom and its mask; without a name for that, the image alone."""
    pixels, disc = picture(number)
    save(root / f"{image}.png", pixels)
    if mask:
        save(root / f"{mask}.png", np.uint8(255) * disc)


def coco(path: Path, numbers: Mapping[str, int]) -> None:
    """A document of images by their names, and their numbers as phantoms."""
    images, annotations = [], []
    for place, (name, number) in enumerate(numbers.items(), 1):
        flat = [coordinate for point in ring(picture(number)[1]) for coordinate in point]
        images.append({"id": place, "file_name": name, "height": HEIGHT, "width": WIDTH})
        annotations.append({"id": place, "image_id": place, "category_id": 1, "segmentation": [flat], "iscrowd": 0})
    path.parent.mkdir(parents=True, exist_ok=True)
    categories = [{"id": 1, "name": "lesion"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))


SPLITS = {"train": range(14), "valid": range(14, 19), "test": range(19, 24)}
"""Numbers of phantoms."""


def roboflow(root: Path) -> None:
    """Names begin anew in each split."""
    for split, numbers in SPLITS.items():
        for place, number in enumerate(numbers):
            pair(root, f"{split}/{place}", "", number)
        named = {f"{place}.png": number for place, number in enumerate(numbers)}
        coco(root / split / "_annotations.coco.json", named)


def coco_2017(root: Path) -> None:
    """The test images have no truth."""
    for split, numbers in (("train", range(16)), ("val", range(16, 24)), ("test", range(24, 28))):
        for number in numbers:
            pair(root, f"{split}2017/{number:012}", "", number)
        if split != "test":
            named = {f"{number:012}.png": number for number in numbers}
            coco(root / f"annotations/instances_{split}2017.json", named)


def one_folder_of_images(root: Path) -> None:
    """Documents alone say which split it is."""
    for split, numbers in SPLITS.items():
        for number in numbers:
            pair(root, f"images/{number}", "", number)
        coco(root / f"{split}.json", {f"{number}.png": number for number in numbers})


def split_folders(root: Path, names: Mapping[str, Iterable[tuple[str, int]]]) -> None:
    """Of each split names and numbers of phantoms."""
    for split, each in names.items():
        for name, number in each:
            pair(root, f"{split}/images/{name}", f"{split}/masks/{name}", number)


def copies_of_one_name(root: Path) -> None:
    """Three test images are train images, also by name."""
    split_folders(
        root, {"train": [(str(n), n) for n in range(18)], "test": [(str(n), n) for n in (3, 7, *range(18, 24))]}
    )


def numbers_begin_anew(root: Path) -> None:
    split_folders(root, {"train": [(str(n), n) for n in range(18)], "test": [(str(n), n + 18) for n in range(6)]})


def patients_in_both(root: Path) -> None:
    split_folders(
        root,
        {
            "train": [(f"P{n % 12:02}_{n}", n) for n in range(18)],
            "test": [(f"P{n % 12:02}_{n}", n) for n in range(18, 24)],
        },
    )


def dermoscopic(root: Path) -> None:
    for number in range(24):
        name = f"IMD{number:03}"
        pair(root / name, f"{name}_Dermoscopic_Image/{name}", f"{name}_lesion/{name}_lesion", number)


def few_masks(root: Path) -> None:
    for number in range(24):
        pair(root, f"images/{number}", f"masks/{number}" if number < 9 else "", number)


def linked(root: Path) -> None:
    """Folders that lead out of the data folder, and one that leads into itself."""
    store = root.parent / "store"
    for number in range(24):
        pair(store, f"pictures/{number}", f"truth/{number}", number)
    root.mkdir()
    (root / "images").symlink_to(store / "pictures", target_is_directory=True)
    (root / "masks").symlink_to(store / "truth", target_is_directory=True)
    (root / "all").symlink_to(root, target_is_directory=True)


def linked_documents(root: Path) -> None:
    store = root.parent / "store"
    for number in range(24):
        pair(store, str(number), "", number)
    coco(root / "coco.json", {f"{number}.png": number for number in range(24)})
    (root / "scans").symlink_to(store, target_is_directory=True)


def brackets(root: Path) -> None:
    for number in range(24):
        pair(root, f"scans [1]*/a[{number}]?", f"scans [1]* masks/a[{number}]?", number)


def umlauts(root: Path) -> None:
    for number in range(24):
        decomposed = unicodedata.normalize("NFD", f"Fälle/Masken/ä{number}")
        pair(root, f"Fälle/Bilder/ä{number}", decomposed, number)


def zero_padded(root: Path) -> None:
    for number in range(24):
        pair(root, f"{number}", f"{number:03}_mask", number)


def gland_splits(root: Path) -> None:
    """Splits in the names of files, numbered anew in each."""
    for split, numbers in (("train", range(16)), ("testA", range(16, 20)), ("testB", range(20, 24))):
        for place, number in enumerate(numbers, 1):
            pair(root, f"{split}_{place}", f"{split}_{place}_anno", number)


def published_folds(root: Path) -> None:
    for number in range(24):
        fold = f"fold{1 + number % 5}"
        pair(root, f"{fold}/images/{number // 5}", f"{fold}/masks/{number // 5}", number)


def span_folders(root: Path) -> None:
    for number in range(24):
        span = f"span-{1 + number % 3}"
        pair(root, f"{span}/scans/{number}", f"{span}/gt/{number}", number)


def modalities(root: Path) -> None:
    for number in range(24):
        pair(root, f"imagesTr/case_{number:03}_0000", f"labelsTr/case_{number:03}", number)
        pair(root, f"imagesTr/case_{number:03}_0001", "", number + 100)


def test_without_masks(root: Path) -> None:
    for number in range(28):
        folder = f"stage1_{'train' if number < 24 else 'test'}/{number:08x}"
        pair(root, f"{folder}/images/{number:08x}", f"{folder}/masks/a{number}f" if number < 24 else "", number)


def three_splits_one_without_masks(root: Path) -> None:
    for split, numbers in SPLITS.items():
        for number in numbers:
            pair(root, f"{split}/images/{number}", f"{split}/masks/{number}" if split != "test" else "", number)


def labelme(root: Path) -> None:
    """One of the documents is cut off."""
    for number in range(24):
        pair(root, str(number), "", number)
        shape = {"label": "lesion", "points": ring(picture(number)[1]), "shape_type": "polygon"}
        size = {"imageHeight": HEIGHT, "imageWidth": WIDTH}
        text = json.dumps({"version": "5", "flags": {}, "shapes": [shape], "imagePath": f"{number}.png", **size})
        (root / f"{number}.json").write_text(text[:99] if number == 5 else text)


def classes_beside_others(root: Path) -> None:
    """Folders of classes at the root, beside those of what is none."""
    for number in range(24):
        pair(root, f"images/{number}", f"disc_mask/{number}", number)
        save(root / f"rim_gt/{number}.png", np.uint8(255) * (np.indices((HEIGHT, WIDTH))[0] < 5))
        save(root / f"depth/{number}.png", picture(number)[0])


def linked_labels(root: Path) -> None:
    """A folder of which a link has another name."""
    for number in range(24):
        label = ("benign", "malignant")[number % 2]
        pair(root, f"{label}/{number}", f"{label}/{number}_mask", number)
    (root / "current").symlink_to(root / "benign", target_is_directory=True)
