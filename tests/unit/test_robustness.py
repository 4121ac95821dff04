"""Images made worse, and limits on what that costs."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from evaluated import case, limit, patients, settings
from PIL import Image
from pydantic import ValidationError

from components.bulk_inferrer.degradations import DEGRADATIONS
from components.bulk_inferrer.settings import Robustness
from components.errors import UsageError
from components.evaluator.core import metrics
from components.evaluator.limits import judged
from components.evaluator.settings import Asked
from pipeline.config.loader import parse_config

WORSE = {"gamma": 2.0, "noise": 0.1, "blur": 1.5, "jpeg": 20, "resolution": 0.25}


def ramp(kind: type[np.unsignedinteger], *shape: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    return rng.integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)


def test_each_key_has_its_change() -> None:
    assert set(DEGRADATIONS) == set(Robustness.model_fields) == set(WORSE)
    assert Robustness(blur=2.0, jpeg=30).asked == {"blur": 2.0, "jpeg": 30}


@pytest.mark.parametrize("name", DEGRADATIONS)
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(24, 31), (24, 31, 3)])
def test_shape_and_type_stay_and_the_same_is_made_again(
    name: str, kind: type[np.unsignedinteger], shape: tuple[int, ...]
) -> None:
    image = ramp(kind, *shape)
    before = image.copy()
    worse = DEGRADATIONS[name](image, WORSE[name], "case-1")
    assert (worse.shape, worse.dtype) == (image.shape, image.dtype)
    assert (worse != image).mean() > 0.5
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(DEGRADATIONS[name](image, WORSE[name], "case-1"), worse)


def test_noise_is_each_images_own() -> None:
    image = np.full((64, 64), 128, np.uint8)
    one, other = (DEGRADATIONS["noise"](image, 0.05, name).astype(float) for name in ("a", "b"))
    assert (one != other).mean() > 0.8
    assert one.std() == pytest.approx(0.05 * 255, rel=0.05)


def test_a_jpeg_is_what_pillow_reads_of_that_file() -> None:
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    image = np.stack([smooth, smooth[::-1], np.zeros_like(smooth)], axis=-1)
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=30, subsampling="4:2:0")
    reference = np.asarray(Image.open(file)).astype(int)
    found = DEGRADATIONS["jpeg"](image, 30, "").astype(int)
    assert np.abs(found - reference).mean() < 1
    assert np.abs(found - image).mean() > np.abs(found - reference).mean()


@pytest.mark.parametrize(("margin", "met"), [(0.0999, False), (0.1001, True)])
def test_a_limit_holds_the_difference_that_a_change_makes(margin: float, met: bool) -> None:
    cases, blurred = patients([0.9, 0.7, 0.8]), patients([0.8, 0.6, 0.7])
    asked = Asked(limit(measure="dice", under="blur", at_least=-margin))
    found = judged(asked, cases, None, settings(), changed={"blur": blurred})
    assert (found.met, found.n) == (met, 3)
    assert found.value == pytest.approx(-0.1)
    assert found.sentence.startswith("change of the mean Dice under blur -0.1000")


def test_a_limit_of_a_slice_and_of_the_end_of_an_interval() -> None:
    cases = [case(0.9, id=f"{number:03d}", group=f"p{number}", label="ab"[number % 2]) for number in range(400)]
    worse = [case(0.8 if each.label == "a" else 0.5, id=each.id, group=each.group, label=each.label) for each in cases]
    for label, met in (("a", True), ("b", False)):
        asked = limit(measure="dice", under="jpeg", at_least=-0.2, bound="lower", slice=f"label={label}")
        assert judged(Asked(asked), cases, None, settings(), changed={"jpeg": worse}).met == met


def test_what_each_change_takes_is_told() -> None:
    mine = settings().model_copy(update={"robustness": Robustness(blur=2.0)})
    told = metrics(patients([0.9, 0.7]), None, None, mine, changed={"blur": patients([0.6, 0.6])})["robustness"]["blur"]
    assert told["value"] == 2.0
    assert told["dice"]["mean"] == pytest.approx(0.6)
    assert told["change"]["dice"]["mean"] == pytest.approx(-0.2)
    assert told["change"]["dice"]["n"] == 2


def test_a_limit_that_cannot_be_is_named() -> None:
    with pytest.raises(ValidationError, match="remove one of the two"):
        limit(measure="dice", under="blur", change=True)
    document = {
        "data": {"layout": "folders", "height": 32, "width": 32},
        "training": {"epochs": 1},
        "evaluation": {"limits": [{"measure": "dice", "under": "blur", "at_least": -0.1}]},
    }
    with pytest.raises(UsageError, match=r"0: under = 'blur', but \[robustness\] does not ask for it: set blur there"):
        parse_config(document, "run.toml")
    assert parse_config({**document, "robustness": {"blur": 1.0}}, "run.toml").robustness.asked == {"blur": 1.0}


def test_what_no_limit_holds_is_no_other_decision() -> None:
    mine = settings()
    asked = mine.model_copy(update={"robustness": Robustness(blur=1.0)})
    assert asked.by_which_it_decides == mine.by_which_it_decides
    held = settings(limits=[limit(measure="dice", under="blur", at_least=-0.1)])
    other = held.model_copy(update={"robustness": Robustness(blur=1.0)})
    assert other.by_which_it_decides != held.by_which_it_decides
