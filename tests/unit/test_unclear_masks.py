"""Advice on a mask leads to settings that read it, at once."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from components.imaging.files.codecs import LIMITS
from components.imaging.truth.mask_files import read_mask
from components.imaging.truth.masks import UnclearMask
from components.imaging.truth.settings import Mask

DISC = cv2.circle(np.zeros((96, 128), np.uint8), (60, 40), 22, 1, -1)
TWO = cv2.circle(DISC.copy(), (100, 70), 16, 2, -1)
VIRIDIS = np.array([(68, 1, 84), (253, 231, 36)], np.uint8)
GREEN, LEGEND = np.array([(0, 0, 0), (0, 255, 0)], np.uint8), np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255)], np.uint8)
WHITE = np.full((1, 3), 255, np.uint8)
CASES: dict[str, tuple[np.ndarray, np.ndarray, str, str]] = {
    "a plot of two colours": (DISC, VIRIDIS[DISC], ".png", "the mask has colours of a plot, viridis, expected"),
    "green JPEG": (DISC, GREEN[DISC], ".jpg", "the mask has colours, blurred by JPEG, expected"),
    "colours": (TWO, LEGEND[TWO], ".png", "the mask has colours, expected"),
    "colours in JPEG": (TWO, LEGEND[TWO], ".jpg", "the mask has colours, blurred by JPEG, expected"),
    "blurred colours": (DISC, cv2.blur(GREEN[DISC], (3, 3)), ".png", "the mask has colours, with blurred edges"),
    "levels of grey": (TWO, np.array([0, 128, 255], np.uint8)[TWO], ".png", "the mask has 3 grey values (0 to 255)"),
    "levels in JPEG": (TWO, np.array([0, 128, 255], np.uint8)[TWO], ".jpg", "a JPEG mask has no sharp classes"),
    "indices": (TWO, TWO, ".png", "the mask has 3 grey values (0 to 2)"),
    "one and two": (DISC, 1 + DISC, ".png", "the mask has 2 grey values (1 to 2)"),
    "grey JPEG": (DISC, 255 * DISC, ".jpg", "a JPEG mask has no sharp classes"),
    "faint JPEG": (DISC, 10 + 90 * DISC, ".jpg", "a JPEG mask has no sharp classes"),
    "smoothed": (DISC, cv2.blur(255 * DISC, (5, 5)), ".png", "grey values (0 to 255)"),
}


def saved(path: Path, pixels: np.ndarray) -> Path:
    ordered = pixels if pixels.ndim == 2 else pixels[..., ::-1]
    assert cv2.imwrite(str(path), ordered)
    return path


def advised(message: str, several: bool) -> tuple[Mask, list[str]]:
    """The settings that a message names, of one class or of several."""
    advice = message.split("set [data.mask] ")[1].split(", or use PNG")[0].split("; or ")[0]
    if " if it shows one class, " in advice:
        advice = advice.split(" if it shows one class, ")[several]
    advice = re.sub(r" if (it shows )?(several|one class)$", "", advice)
    mask, _, classes = advice.partition(" and [data] classes = ")
    keys: dict[str, Any] = {}
    for key in re.findall(r"\w+ = (?:\{[^}]*\}|[^,]+)", mask):
        keys |= tomllib.loads(key)
    return Mask(**keys), tomllib.loads(f"classes = {classes or '[]'}")["classes"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "start", [{}, {"threshold": 100}, {"form": "indices"}], ids=["no rule", "threshold", "indices"]
)
def test_the_settings_that_are_named_read_the_mask(case: str, start: dict[str, Any], tmp_path: Path) -> None:
    truth, pixels, suffix, said = CASES[case]
    path = saved(tmp_path / f"mask{suffix}", pixels)
    try:
        read_mask(path, Mask(**start), [], LIMITS)
    except UnclearMask as error:
        message = str(error)
    except ValueError:
        assert start == {"form": "indices"}
        return
    else:
        assert start != {}
        return
    if start.get("form") == "indices" and "colours" not in message:
        return
    assert said in message or start
    settings, classes = advised(message, truth.max() > 1)
    found = read_mask(path, settings, classes, LIMITS).classes
    assert set(np.unique(found)) == set(np.unique(truth))
    assert np.mean((found > 0) != (truth > 0)) < 0.012


def test_a_picture_of_a_mask_is_none(tmp_path: Path) -> None:
    y, x = np.mgrid[:96, :128]
    picture = np.stack([2 * y, x, (x * y) % 256], axis=-1).astype(np.uint8)
    for name in ("a.png", "a.jpg"):
        with pytest.raises(UnclearMask, match="a picture of a mask, such as a plot or an overlay"):
            read_mask(saved(tmp_path / name, picture), Mask(), [], LIMITS)
