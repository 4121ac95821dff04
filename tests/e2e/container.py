"""The image under test, and what its steps work on: folders for the cluster's volumes and the small demo, compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from driver import maskline, overrides

from pipeline.runs.phantoms.sets import write_phantoms

IMAGE = os.environ.get("MASKLINE_IMAGE", "")
needs_image = pytest.mark.skipif(not IMAGE, reason="make test-container builds the image that this needs")
LOCAL_RUNNER = os.environ.get("MASKLINE_LOCAL_RUNNER", "")
"""Python of the environment with Kubeflow's own local runner."""

PREDICT = """
import sys
from pathlib import Path
import tensorflow as tf
model, films, masks = map(Path, sys.argv[1:])
serve = tf.saved_model.load(str(model)).signatures["serve_image_bytes"]
for film in sorted(films.glob("*.png")):
    (masks / film.name).write_bytes(serve(images=tf.constant([film.read_bytes()]))["mask"].numpy()[0])
"""


def in_image(*command: object, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    arguments = ["podman", "run", "--rm", *options, IMAGE, *map(str, command)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def volume(source: Path, target: str) -> tuple[str, str]:
    return "--volume", f"{source}:{target}"


def containers_since(moment: str) -> int:
    # podman 4's own filter for images finds none by name.
    shown = ["--since", moment, "--filter", "event=create", "--format", "{{.Image}}"]
    return subprocess.check_output(["podman", "events", "--stream=false", *shown], text=True).split().count(IMAGE)


def write_cluster(folder: Path) -> Path:
    """Writes `data` and `serving`, which stand for the cluster's volumes, and the pipeline, whose file is returned."""
    write_phantoms(folder / "data", women=24, size=96, seed=7)
    (folder / "serving").mkdir()
    package = folder / "demo.yaml"
    cluster = {
        "kubeflow.image": f'"{IMAGE}"',
        "kubeflow.volumes": '[{claim = "data", path = "/data"}, {claim = "serving", path = "/serving"}]',
        "serving.destination": '"/serving"',
    }
    settings = [part for key, value in cluster.items() for part in ("--set", f"{key}={value}")]
    compiled = maskline("kubeflow", "compile", "demo", "--out", package, "--data", "/data", *overrides(), *settings)
    assert compiled.code == 0, compiled.stderr
    return package


def answers(folder: Path, version: str) -> dict[str, bytes]:
    """The masks that a pushed model gives here for six films of the folder, by the film's name; not all are empty."""
    films, masks = folder / "films", folder / "here"
    for made in (films, masks):
        made.mkdir()
    for film in sorted((folder / "data").glob("*.pgm"))[:6]:
        cv2.imwrite(str(films / f"{film.stem}.png"), cv2.imread(str(film), cv2.IMREAD_GRAYSCALE))
    here = [sys.executable, "-c", PREDICT, folder / "serving" / version, films, masks]
    subprocess.run(here, check=True, capture_output=True)
    assert any(cv2.imread(str(mask), cv2.IMREAD_GRAYSCALE).any() for mask in masks.iterdir())
    return {path.name: path.read_bytes() for path in masks.iterdir()}
