"""Image-mask pairs for the benchmarks: phantom films of 1024 px as PNG files."""

from __future__ import annotations

import os
from pathlib import Path

from components.example_gen.core import read_source
from components.example_gen.layouts.mias import list_mias
from components.imaging.files.codecs import encode_png
from pipeline.config.loader import load_config
from pipeline.runs.phantoms.sets import write_phantoms


def write_films(root: Path, women: int, size: int = 1024) -> Path:
    """Two films per woman in mini-MIAS form."""
    write_phantoms(root, women=women, size=size, seed=7)
    return root


def write_pairs(root: Path, films: Path) -> Path:
    """The films as `images` and `masks` of their full size."""
    data = load_config("mias").records
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for sample in list_mias(films, data).samples:
        source = read_source(films, sample, data)
        (root / "images" / f"{sample.id}.png").write_bytes(encode_png(source.image))
        (root / "masks" / f"{sample.id}.png").write_bytes(encode_png(255 * source.truth.classes))
    return root


def multiply(pairs: Path, root: Path, count: int) -> Path:
    """`count` pairs under new names, as links to the same files."""
    names = sorted(path.name for path in (pairs / "images").iterdir())
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
        for number in range(count):
            os.link(pairs / folder / names[number % len(names)], root / folder / f"{number:05d}.png")
    return root
