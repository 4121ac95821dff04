"""Small folders of the kinds that people have, drawn here: phantoms of a disc in noise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
from dicom_files import dicom
from PIL import Image
from volume_files import nifti, nrrd_file

from components.imaging.annotations.dicom_seg import write_seg
from components.task import Task

COUNT, HEIGHT, WIDTH = 24, 64, 96


def picture(number: int) -> tuple[np.ndarray, np.ndarray]:
    """A gray image uint8 and the disc in it, bool."""
    rng = np.random.default_rng(number)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    row, column = rng.uniform(20, 44), rng.uniform(24, 72)
    disc = (rows - row) ** 2 + (columns - column) ** 2 <= rng.uniform(6, 14) ** 2
    texture = cv2.GaussianBlur(rng.normal(0, 60, (HEIGHT, WIDTH)), (0, 0), 3)
    pixels = 90 + texture + 70 * disc + rng.normal(0, 6, (HEIGHT, WIDTH))
    return np.clip(pixels, 0, 255).astype(np.uint8), disc


def save(path: Path, pixels: np.ndarray, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def _beside(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        label = ("benign", "malignant")[number % 2]
        stem = f"{label} ({number // 2 + 1})"
        save(root / label / f"{stem}.png", pixels if number % 3 else np.dstack([pixels] * 3))
        halves = [disc & (np.arange(WIDTH) < 48), disc & (np.arange(WIDTH) >= 48)]
        for suffix, part in zip(("_mask", "_mask_1"), halves if number == 6 else [disc], strict=False):
            save(root / label / f"{stem}{suffix}.png", part)
    (root / "readme.txt").write_text("An ultrasound set\n")


def _patients(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        stem = root / f"PAT_{number // 2:02}" / f"PAT_{number // 2:02}_{number % 2 + 1}"
        save(stem.with_suffix(".tif"), pixels)
        save(stem.with_name(f"{stem.name}_mask.tif"), np.uint8(255) * disc)
    (root / "data.csv").write_text("Patient,age\n")


def _nnunet(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / f"imagesTr/case_{number:03}_0000.png", pixels)
        save(root / f"labelsTr/case_{number:03}.png", np.uint8(1) * disc)
    (root / "dataset.json").write_text("{}")


def _longer_mask(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / f"ISIC_{number:07}.jpg", np.dstack([pixels, pixels // 2, pixels // 3]), quality=95)
        save(root / f"ISIC_{number:07}_segmentation.png", np.uint8(255) * disc)


def _voc(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / f"VOC2012/JPEGImages/a{number}.jpg", np.dstack([pixels] * 3), quality=95)
        mask = Image.fromarray(np.uint8(1) * disc, "P")
        mask.putpalette([0, 0, 0, 128, 0, 0])
        path = root / f"VOC2012/SegmentationClass/a{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        mask.save(path)


def _retina(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        split = "training" if number >= 8 else "test"
        save(root / split / f"images/{number:02}_{split}.tif", np.dstack([pixels, pixels // 2, pixels // 4]))
        save(root / split / f"1st_manual/{number:02}_manual1.gif", np.uint8(255) * disc)
        save(root / split / f"2nd_manual/{number:02}_manual2.gif", np.uint8(255) * np.roll(disc, 1, axis=0))
        view = np.zeros((HEIGHT, WIDTH), np.uint8)
        save(
            root / split / f"mask/{number:02}_{split}_mask.gif",
            cv2.ellipse(view, (48, 32), (47, 31), 0, 0, 360, 255, -1),
        )


def _observers_beside(root: Path) -> None:
    """As CHASE_DB1 has them, both eyes of each child."""
    for number in range(COUNT):
        pixels, disc = picture(number)
        stem = f"Image_{number // 2 + 1:02}{'LR'[number % 2]}"
        save(root / f"{stem}.jpg", np.dstack([pixels] * 3), quality=95)
        save(root / f"{stem}_1stHO.png", disc)
        save(root / f"{stem}_2ndHO.png", np.roll(disc, 1, axis=0))


def _objects(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        name = f"{number * 7919:08x}"
        save(root / f"stage1_train/{name}/images/{name}.png", np.dstack([pixels] * 3))
        left = np.arange(WIDTH) < 48
        for part, place in enumerate((disc & left, disc & ~left)):
            if place.any():
                save(root / f"stage1_train/{name}/masks/{number * 104729 + part:08x}.png", np.uint8(255) * place)


def _two_splits(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        split = "test" if number < 6 else "train"
        save(root / f"{split}/images/{split}{number}.png", pixels)
        save(root / f"{split}/masks/{split}{number}.png", np.uint8(255) * disc)


def _leaking_splits(root: Path) -> None:
    _two_splits(root)
    for number in range(3):
        pixels, disc = picture(number)
        save(root / f"train/images/copy{number}.png", pixels)
        save(root / f"train/masks/copy{number}.png", np.uint8(255) * disc)


def _levels(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        mask = np.full((HEIGHT, WIDTH), 64, np.uint8)
        mask[4:12, 30:60], mask[disc] = 128, 255
        save(root / f"image/{number}.png", pixels)
        save(root / f"label/{number}.png", mask)


def _dark(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / f"images/{number}.png", pixels)
        save(root / f"labels/{number}.png", np.uint8(255) * ~disc)


def _green_jpeg(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        green = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        green[disc] = (0, 255, 0)
        save(root / f"images/{number}.jpg", np.dstack([pixels] * 3), quality=95)
        save(root / f"masks/{number}.jpg", green, quality=75)


def _legend(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        mask[:10, :40], mask[50:, 60:], mask[disc] = (255, 255, 0), (0, 0, 255), (255, 0, 0)
        save(root / f"raw/img/{number}.png", pixels)
        save(root / f"raw/gt/{number}.png", mask)


def _instances(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        labels = np.zeros((HEIGHT, WIDTH), np.uint16)
        for part in range(14 + number % 5):
            labels[2 + 3 * part % 60, 3 * part % 90 : 3 * part % 90 + 3] = part + 1
        labels[disc] = 20 + number % 5
        save(root / f"images/{number}.png", pixels)
        save(root / f"labels/{number}.tif", labels)


def _alpha(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / f"images/{number}.png", pixels)
        save(root / f"masks/{number}.png", np.dstack([np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.uint8(255) * disc]))


def _by_class(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / f"images/eye_{number}.png", pixels)
        save(root / f"masks/disc/eye_{number}.png", np.uint8(255) * disc)
        save(root / f"masks/band/eye_{number}.png", np.uint8(255) * ((np.arange(HEIGHT)[:, None] < 6) & ~disc))


def _one_hot(root: Path) -> None:
    (root / "masks").mkdir(parents=True)
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / f"images/{number}.png", pixels)
        np.savez(root / f"masks/{number}.npz", mask=np.stack([~disc, disc], axis=-1))


def ring(disc: np.ndarray) -> list[tuple[int, int]]:
    """The corners of a polygon around the disc."""
    [outline], _ = cv2.findContours(disc.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [(int(x), int(y)) for [[x, y]] in outline]


def _pictures(root: Path, folder: str = "images") -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Saves images, and gives their names with a polygon each."""
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / folder / f"p{number:02}.png", pixels)
        yield f"p{number:02}.png", ring(disc)


def _coco(root: Path) -> None:
    images, annotations = [], []
    for number, (name, points) in enumerate(_pictures(root, "train2017"), 1):
        images.append({"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH})
        flat = [coordinate for point in points for coordinate in point]
        annotations.append({"id": number, "image_id": number, "category_id": 3, "segmentation": [flat], "iscrowd": 0})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "lesion"}]}
    (root / "annotations").mkdir()
    (root / "annotations/instances_train2017.json").write_text(json.dumps(document))


def _labelme(root: Path) -> None:
    for name, points in _pictures(root, "."):
        shape = {"label": "lesion", "points": points, "shape_type": "polygon", "group_id": None, "flags": {}}
        document = {"version": "5.4.1", "flags": {}, "shapes": [shape], "imagePath": name, "imageData": None}
        size = {"imageHeight": HEIGHT, "imageWidth": WIDTH}
        (root / name).with_suffix(".json").write_text(json.dumps({**document, **size}))


def _via_table(root: Path) -> None:
    header = "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    rows = [header]
    for name, points in _pictures(root, "scans"):
        shape = {"name": "polygon", "all_points_x": [x for x, _ in points], "all_points_y": [y for _, y in points]}
        cells = [name, "1", "{}", "1", "0", json.dumps(shape), json.dumps({"kind": "lesion"})]
        rows.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
    (root / "export.csv").write_text("\n".join(rows), encoding="utf-16")


def _cvat(root: Path) -> None:
    images = []
    for number, (name, points) in enumerate(_pictures(root)):
        text = ";".join(f"{x}.00,{y}.00" for x, y in points)
        polygon = f'<polygon label="lesion" source="manual" occluded="0" points="{text}" z_order="0"></polygon>'
        images.append(f'<image id="{number}" name="{name}" width="{WIDTH}" height="{HEIGHT}">{polygon}</image>')
    text = f"<?xml version='1.0' encoding='utf-8'?><annotations><version>1.1</version>{''.join(images)}</annotations>"
    (root / "annotations.xml").write_text(text)


def _qupath(root: Path) -> None:
    for name, points in _pictures(root):
        geometry = {"type": "Polygon", "coordinates": [[*points, points[0]]]}
        properties = {"objectType": "annotation", "classification": {"name": "Tumor", "color": [200, 0, 0]}}
        feature = {"type": "Feature", "id": name, "geometry": geometry, "properties": properties}
        document = {"type": "FeatureCollection", "features": [feature]}
        (root / name).with_suffix(".geojson").write_text(json.dumps(document))


def _run_lengths(root: Path) -> None:
    rows = ["ImageId,EncodedPixels"]
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / f"train/p{number:02}.png", pixels)
        flat = np.concatenate([[0], disc.T.reshape(-1), [0]]).astype(int)
        begin, end = np.flatnonzero(np.diff(flat) == 1) + 1, np.flatnonzero(np.diff(flat) == -1) + 1
        rows.append(f"p{number:02}.png," + " ".join(f"{a} {b - a}" for a, b in zip(begin, end, strict=True)))
    (root / "train.csv").write_text("\n".join(rows))


def _below(root: Path) -> None:
    """What is meant stands one folder below, beside a licence."""
    _two_splits(root / "ultrasound-v2")
    (root / "LICENSE.txt").write_text("CC BY")


def _nifti(root: Path) -> None:
    """As nnU-Net has them; masks that another program has saved with its axes the other way round."""
    for number in range(COUNT):
        pixels, disc = picture(number)
        for folder, name, values, signs in (
            ("imagesTr", f"case_{number:03}_0000", pixels, (-1, -1)),
            ("labelsTr", f"case_{number:03}", disc, (1, 1)),
        ):
            (root / folder).mkdir(parents=True, exist_ok=True)
            grid = values.astype(np.float32).T[:: -signs[0], :: -signs[1], None]
            (root / folder / f"{name}.nii.gz").write_bytes(nifti(grid, np.diag([*signs, 1, 1]), packed=True))
    (root / "dataset.json").write_text("{}")


def _nrrd(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        place = {"space": "left-posterior-superior", "space directions": np.eye(3)}
        (root / "raw").mkdir(parents=True, exist_ok=True)
        (root / f"raw/scan{number}.nrrd").write_bytes(nrrd_file(pixels.astype(np.int16).T[..., None], **place))
        (root / f"raw/scan{number}.seg.nrrd").write_bytes(nrrd_file(disc.astype(np.uint8).T[..., None], **place))


def _film(number: int) -> tuple[bytes, np.ndarray]:
    """DICOM, and the disc in it."""
    pixels, disc = picture(number)
    identity = {"StudyInstanceUID": f"1.2.{number}", "SeriesInstanceUID": f"1.2.{number}.1", "Modality": "MG"}
    return dicom(pixels, PatientID=str(number), **identity), disc


def _dicom_seg(root: Path) -> None:
    for number in range(COUNT):
        film, disc = _film(number)
        mask = disc.astype(np.uint8)
        mask[:6, 10:30] = 2
        for name in ("images", "segmentations"):
            (root / name).mkdir(parents=True, exist_ok=True)
        (root / f"images/{number}.dcm").write_bytes(film)
        seg = write_seg(film, mask, Task(classes=["mass", "marker"]), "reader", "1")
        (root / f"segmentations/{number}.dcm").write_bytes(seg.content)


def _dicom_without_suffix(root: Path) -> None:
    for number in range(COUNT):
        film, disc = _film(number)
        for name, content in (("images", film), ("masks", dicom(np.uint8(255) * disc))):
            (root / name).mkdir(parents=True, exist_ok=True)
            (root / name / f"1.3.6.1.4.1.{number}").write_bytes(content)


def _text(root: Path) -> None:
    for number in range(COUNT):
        pixels, disc = picture(number)
        save(root / f"images/{number}.png", pixels)
        (root / "labels").mkdir(exist_ok=True)
        np.savetxt(root / f"labels/{number}.txt", disc, fmt="%d", delimiter=(" ", ",", "\t")[number % 3])
    (root / "readme.txt").write_text("1 is the disc\n")
    (root / "sizes.csv").write_text("96,64\n" * COUNT)


KINDS: Mapping[str, Callable[[Path], None]] = {
    "side by side": _beside,
    "patient folders": _patients,
    "longer image": _nnunet,
    "longer mask": _longer_mask,
    "nested, palette": _voc,
    "by number, GIF, field of view": _retina,
    "observers beside their images": _observers_beside,
    "folder per case": _objects,
    "two splits": _two_splits,
    "leaking splits": _leaking_splits,
    "levels": _levels,
    "dark foreground": _dark,
    "green JPEG": _green_jpeg,
    "legend": _legend,
    "instances": _instances,
    "alpha": _alpha,
    "a folder per class": _by_class,
    "one-hot": _one_hot,
    "one folder below": _below,
    "COCO": _coco,
    "LabelMe": _labelme,
    "VIA, UTF-16": _via_table,
    "CVAT": _cvat,
    "QuPath": _qupath,
    "run lengths": _run_lengths,
    "NIfTI": _nifti,
    "NRRD": _nrrd,
    "DICOM and DICOM SEG": _dicom_seg,
    "DICOM without suffix": _dicom_without_suffix,
    "text label maps": _text,
}
