"""Slides by `maskline predict`: seconds, and memory above that of the same command for one window. Slow.

python -m benchmarks.slides 32768     # of one side; `make bench BENCH=slides` takes two smaller ones
"""

from __future__ import annotations

import filecmp
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import keras
import numpy as np
import tifffile

from benchmarks._timing import peak_mebibytes, seconds
from components.files import write_json
from components.inference.operating_point import OperatingPoint
from components.records.settings import Derivation, Tiles
from components.serving_graph.export import export_model
from components.task import Task
from components.trainer.models.unet.parameters import UNet
from components.trainer.segmenter import build_segmenter
from components.trainer.settings import Model

_TILE, _WINDOW, _SIDES = 256, 512, (8192, 16384)
_BY_ROWS = {".png": 12000, ".jpg": 12000}


def measure(sides: tuple[int, ...] = _SIDES, by_rows: Mapping[str, int] = _BY_ROWS) -> Iterator[str]:
    """A square RGB slide of JPEG tiles for each side, and files of other kinds, by their suffixes; a plain U-Net of two
    levels and four filters, windows of 512."""
    with TemporaryDirectory() as folder:
        root = Path(folder)
        version = _version(root / "version")
        _, least = _predicted(version, _slide(root / "window.tif", _WINDOW), root / "window")
        for suffix, side in [*((".tif", side) for side in sides), *by_rows.items()]:
            image = (_slide if suffix == ".tif" else _flat)(root / f"{side}{suffix}", side)
            took, peak = _predicted(version, image, root / image.name.replace(".", "-"))
            yield (
                f"{suffix}, {side} x {side} px: {took:.0f} s, {peak - least:.0f} MiB above the {least:.0f} MiB of one "
                "window; killed halfway and resumed, "
                f"{_resumed(version, image, root / image.name.replace('.', '-'), took)}"
            )


def _predicted(version: Path, slide: Path, out: Path) -> tuple[float, float]:
    """Seconds and MiB."""
    peaks: list[float] = []
    took = seconds(lambda: peaks.append(peak_mebibytes("pipeline.cli", *_arguments(version, slide, out))))
    return took, peaks[0]


def _resumed(version: Path, slide: Path, whole: Path, took: float) -> str:
    """What a prediction that is killed after half of its time, and resumed, is beside the whole one."""
    out = whole.with_name(f"{whole.name}-killed")
    command = [sys.executable, "-m", "pipeline.cli", *_arguments(version, slide, out)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(took / 2)
        process.kill()
    kept = len(list(out.rglob("unfinished/**/*")))
    again = seconds(lambda: subprocess.run([*command, "--resume"], check=True, stdout=subprocess.DEVNULL))
    files = [path.relative_to(whole) for path in whole.rglob("*.*") if path.suffix in (".tif", ".png")]
    same = all(filecmp.cmp(whole / path, out / path, shallow=False) for path in files)
    return f"{kept} parts were kept, {again:.0f} s more, {len(files)} files {'equal' if same else 'DIFFER'}"


def _arguments(version: Path, slide: Path, out: Path) -> tuple[str, ...]:
    return "predict", str(version), str(slide), "--out", str(out), "--write", "probability,overlay,colour"


def _version(folder: Path) -> Path:
    keras.utils.set_random_seed(0)
    task, point = Task(), OperatingPoint()
    derivation = Derivation(height=_WINDOW, width=_WINDOW, channels=3, tiles=Tiles(overlap=64))
    parameters = UNet(levels=2, base_filters=4).model_dump()
    network = build_segmenter(3, Model(architecture="unet", parameters=parameters), task, 0.3)
    export_model(network, folder, task, point, derivation)
    (folder / "assets.extra").mkdir()
    config = {"derivation": derivation.model_dump(), "task": task.model_dump(), "operating_point": point.model_dump()}
    write_json(folder / "assets.extra/training.json", {"config": config})
    return folder


def _slide(path: Path, side: int) -> Path:
    """Two levels of JPEG tiles, written tile by tile."""
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        for level, length in enumerate((side, side // 2)):
            writer.write(
                _tiles(length),
                shape=(length, length, 3),
                dtype=np.uint8,
                tile=(_TILE, _TILE),
                photometric="rgb",
                compression="jpeg",
                subfiletype=int(level > 0),
                metadata=None,
            )
    return path


def _flat(path: Path, side: int) -> Path:
    rng = np.random.default_rng(0)
    pixels = cv2.resize(rng.integers(0, 256, (side // 64, side // 64, 3), np.uint8), (side, side))
    cv2.imwrite(str(path), pixels)
    return path


def _tiles(side: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range((side // _TILE) ** 2):
        coarse = rng.integers(0, 256, (4, 4, 3), np.uint8)
        yield cv2.resize(coarse, (_TILE, _TILE), interpolation=cv2.INTER_CUBIC)


if __name__ == "__main__":
    for line in measure(*([tuple(map(int, sys.argv[1:])), {}] if sys.argv[1:] else [])):
        print(line, flush=True)
