"""The section `[augmentation]`: its defaults, the numbers of older systems, and what is refused."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import numpy as np
import pytest

from components.errors import UsageError
from components.imaging.augmentation.augment import draw
from components.imaging.augmentation.intensity import LIMITS, Intensity
from components.imaging.augmentation.operations import Displacement, Operation, Rotation
from components.imaging.augmentation.settings import Augmentation
from components.imaging.augmentation.warp import Warp
from pipeline.cli.listings import config_toml
from pipeline.config.loader import load_config, parse_config, recipe_names

DATA = {"layout": "folders", "height": 64, "width": 64}
OPERATIONS = [name for name, value in Augmentation() if isinstance(value, Operation)]


def parse(**settings: Any) -> Augmentation:
    document = {"data": DATA, "augmentation": settings, "training": {"epochs": 1}}
    return parse_config(document, source="run.toml").augmentation


def refusal(**settings: Any) -> str:
    with pytest.raises(UsageError) as caught:
        parse(**settings)
    return str(caught.value).replace("run.toml: ", "")


def certain(name: str, **ranges: Any) -> Any:
    """The operation of this name."""
    return getattr(parse(**{name: {"probability": 1.0, **ranges}}), name)


def test_by_default_nothing_happens() -> None:
    default = Augmentation()
    assert (default.copies, default.online, default.happens) == (0, False, False)
    for seed in range(5):
        drawn = draw(np.random.default_rng(seed), default, (64, 64))
        assert (drawn.warp, drawn.intensity) == (Warp(), Intensity())


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_happens_with_its_default_range(name: str) -> None:
    settings = parse(**{name: {"probability": 1.0}})
    assert settings.happens
    changed = [draw(np.random.default_rng(seed), settings, (64, 64)) for seed in range(20)]
    assert all((drawn.warp, drawn.intensity) != (Warp(), Intensity()) for drawn in changed)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_needs_a_probability(name: str) -> None:
    assert f"[augmentation.{name}] probability: missing" in refusal(**{name: {}})


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_ends_of_every_range_can_be_drawn(name: str) -> None:
    """What the config allows, the functions can stand: at the outermost values that it takes."""
    schema = Augmentation.model_json_schema()
    (reference,) = {
        value
        for item in [schema["properties"][name], *schema["properties"][name].get("oneOf", [])]
        for key, value in item.items()
        if key == "$ref" and "In" not in value.split("/")[-1]
    }
    ranges = schema["$defs"][reference.split("/")[-1]]["properties"]
    for limit in ("minimum", "maximum"):
        ends = {key: [value["items"][limit]] * 2 for key, value in ranges.items() if value.get("type") == "array"}
        assert ends
        # Past the check that it does something: some ends change nothing.
        operation = certain(name).model_copy(update=ends)
        drawn = draw(np.random.default_rng(0), Augmentation().model_copy(update={name: operation}), (40, 40))
        image = np.random.default_rng(1).integers(0, 256, (40, 40, 3), np.uint8)
        placed, classes = drawn.apply(image, image[..., 0] // 128)
        assert (placed.shape, classes.shape) == ((40, 40, 3), (40, 40))


def test_the_ranges_stay_within_the_limits_of_an_intensity() -> None:
    """Gains multiply: two of them at their largest are a contrast that is allowed."""
    gain = Augmentation.model_json_schema()["$defs"]["Contrast"]["properties"]["factor"]["items"]["maximum"]
    assert gain * gain <= LIMITS["contrast"][1]
    strongest = {"contrast": {"probability": 1.0, "factor": [gain, gain]}}
    brighter = {"brightness": {"probability": 1.0, "gain": [gain, gain]}}
    drawn = draw(np.random.default_rng(0), parse(**strongest, **brighter), (8, 8))
    assert drawn.intensity.contrast == gain * gain


def test_alpha_and_sigma_are_an_amplitude_and_a_grid() -> None:
    """3.2 pixels of 512 for alpha 1300 and sigma 8, and 2.1 for sigma 10, are what was measured."""
    for sigma, pixels in ((8, 3.2), (10, 2.1)):
        elastic = certain("elastic", alpha=1300, sigma=sigma)
        assert type(elastic) is Displacement
        low, high = elastic.amplitude
        assert low == high == pytest.approx(pixels / 512, rel=0.03)
        assert elastic.grid == round(512 / (math.sqrt(3) * sigma))
    # The same pixels of an image of half the size are twice the share of it.
    (half, _), (whole, _) = (certain("elastic", alpha=1300, sigma=8, **size).amplitude for size in ({"size": 256}, {}))
    assert half == pytest.approx(2 * whole)


def test_fraction_and_blur_are_an_amplitude_and_a_grid() -> None:
    """4.5 pixels of 512 for a fraction of 0.02 and a blur of 40 are what was measured."""
    distortion = certain("distortion", fraction=0.02, blur=40)
    assert distortion.amplitude == [pytest.approx(4.5 / 512, rel=0.1)] * 2
    assert distortion.grid == 7


@pytest.mark.parametrize("probability", [1.0, 0.3])
def test_alpha_and_beta_are_a_gain_and_an_offset_that_come_together(probability: float) -> None:
    settings = parse(brightness={"probability": probability, "alpha": 1.2, "beta": 10})
    draws = [draw(np.random.default_rng(seed), settings, (8, 8)).intensity for seed in range(200)]
    found = {(drawn.contrast, drawn.brightness) for drawn in draws}
    assert found == {(1.2, 10 / 255)} | ({(1.0, 0.0)} if probability < 1 else set())
    assert np.mean([drawn.contrast > 1 for drawn in draws]) == pytest.approx(probability, abs=0.12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"copies": 1, "online": True, "vertical_flip": 1.0},
            "[augmentation]: copies = 1 and online would augment what",
        ),
        ({"copies": 1, "on_device": True, "vertical_flip": 1.0}, "copies = 1 and on_device would augment what"),
        (
            {"on_device": True, "vertical_flip": 1.0, "right_angle": 0.5, "rotation": {"probability": 1.0}},
            "on_device leaves out right_angle, rotation, whose probability is not 0: set online = true",
        ),
        (
            {"on_device": True, "zoom": {"probability": 1.0}},
            "each of horizontal_flip, vertical_flip, gamma, contrast, brightness is 0",
        ),
        ({"copies": 2}, "[augmentation]: copies = 2, but the probability of every operation is 0"),
        ({"online": True, "zoom": {"probability": 0.0}}, "[augmentation]: online, but the probability of every"),
        ({"border": "edge", "fill": 0.5}, "[augmentation]: fill = 0.5 is read where border is 'constant', not 'edge'"),
        (
            {"rotation": {"probability": 1.0, "degrees": [5.0, -5.0]}},
            "[augmentation.rotation] degrees: found [5.0, -5.0], expected the lower number first",
        ),
        (
            {"rotation": {"probability": 1.0, "degrees": [0.0, 181.0]}},
            "[augmentation.rotation.degrees] 1: found 181.0, expected less than or equal to 180",
        ),
        (
            {"rotation": {"probability": 1.0, "degrees": 5.0}},
            "[augmentation.rotation] degrees: found 5.0, expected a valid",
        ),
        ({"zoom": {"probability": 1.0, "factor": [0.0, 1.0]}}, "expected greater than or equal to 0.1"),
        ({"shear": {"probability": 1.0, "x": [0.0, 1.0]}}, "expected less than or equal to 0.9"),
        ({"pincushion": {"probability": 1.0, "amount": [0.5, 1.0]}}, "expected less than or equal to 0.9"),
        ({"elastic": {"probability": 1.0, "alpha": 1300.0}}, "[augmentation.elastic] sigma: missing"),
        (
            {"elastic": {"probability": 1.0, "alpha": 1300.0, "sigma": 1.0}},
            "these are an amplitude of 0.286 and a grid of 296, expected at most 0.25 and 256",
        ),
        (
            {"elastic": {"probability": 1.0, "alpha": 1300.0, "sigma": 8.0, "grid": 8}},
            "[augmentation.elastic] alpha: unknown key. Allowed: amplitude, grid, probability",
        ),
        (
            {"elastic": {"probability": 1.0, "sigma": 1e-320, "alpha": 1.0}},
            "sigma: found 1e-320, expected greater than",
        ),
        (
            {"elastic": {"probability": 1.0, "fraction": 0.02, "blur": 40.0}},
            "fraction: unknown key. Allowed: amplitude, grid, probability; or alpha, probability, sigma, size",
        ),
        (
            {"distortion": {"probability": 1.0, "alpha": 1300.0, "sigma": 8.0}},
            "alpha: unknown key. Allowed: amplitude, grid, probability; or blur, fraction, probability, size",
        ),
        (
            {"brightness": {"probability": 1.0, "alpha": 1.2, "sigma": 8.0}},
            "sigma: unknown key. Allowed: gain, offset, probability; or alpha, beta, probability",
        ),
        (
            {"distortion": {"probability": 1.0, "fraction": 0.001, "blur": 40.0}},
            "these are a displacement of less than a pixel, which older systems cut to none: raise them",
        ),
        ({"brightness": {"probability": 1.0, "alpha": 1.0, "beta": -10.0}}, "beta: found -10.0, expected greater than"),
        ({"max_rotation_degrees": 15.0}, "[augmentation] max_rotation_degrees: unknown key. Allowed: barrel, "),
        ({"rotation": {"probability": 1.0, "angle": 15.0}}, "angle: unknown key. Allowed: degrees, probability"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], message: str) -> None:
    assert message in refusal(**settings)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("rotation", {"degrees": [0.0, 0.0]}),
        ("zoom", {"factor": [1.0, 1.0]}),
        ("shear", {"x": [0.0, 0.0], "y": [0.0, 0.0]}),
        ("elastic", {"amplitude": [0.0, 0.0]}),
        ("distortion", {"amplitude": [0.0, 0.0]}),
        ("barrel", {"amount": [0.0, 0.0]}),
        ("pincushion", {"amount": [0.0, 0.0]}),
        ("gamma", {"exponent": [1.0, 1.0]}),
        ("contrast", {"factor": [1.0, 1.0]}),
        ("brightness", {"gain": [1.0, 1.0], "offset": [0.0, 0.0]}),
        ("brightness", {"alpha": 1.0, "beta": 0.0}),
        ("sharpening", {"amount": [0.0, 0.0]}),
        ("blur", {"sigma": [0.0, 0.0]}),
        ("low_resolution", {"scale": [1.0, 1.0]}),
        ("noise", {"sigma": [0.0, 0.0]}),
        ("cutout", {"size": [0.0, 0.0]}),
    ],
)
def test_an_operation_that_changes_nothing_is_refused_where_it_has_a_chance(name: str, numbers: dict[str, Any]) -> None:
    message = refusal(**{name: {"probability": 0.5, **numbers}})
    found = ", ".join(f"{key} = {value}" for key, value in numbers.items())
    assert f"[augmentation] {name}: " in message
    assert f"with {found} it changes nothing: state others, or remove it, or set probability = 0" in message
    assert not parse(**{name: {"probability": 0.0, **numbers}}).happens


@pytest.mark.parametrize("shear", [{"x": [0.0, 0.0]}, {"y": [0.0, 0.0]}])
def test_one_of_two_numbers_may_be_neutral(shear: dict[str, Any]) -> None:
    assert parse(shear={"probability": 1.0, **shear}).happens


@pytest.mark.parametrize("recipe", recipe_names())
def test_every_recipe_augments_and_is_shown_whole(recipe: str) -> None:
    config = load_config(recipe)
    assert config.augmentation.copies
    assert parse_config(tomllib.loads(config_toml(config)), recipe) == config


@pytest.mark.parametrize("recipe", recipe_names())
def test_no_copy_of_a_recipe_is_its_original(recipe: str) -> None:
    config = load_config(recipe)
    image = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    for seed in range(200):
        changed, _ = draw(np.random.default_rng(seed), config.augmentation, image.shape).apply(image, image // 128)
        assert not np.array_equal(changed, image)


def test_what_was_converted_is_shown_as_it_acts() -> None:
    config = load_config("demo", ["augmentation.elastic={probability=0.5, alpha=1300, sigma=8}"])
    assert parse_config(tomllib.loads(config_toml(config)), "shown") == config


def test_the_demo_flips_turns_and_always_rotates_by_up_to_20_degrees() -> None:
    settings = load_config("demo").augmentation
    assert (settings.horizontal_flip, settings.vertical_flip, settings.right_angle) == (0.5, 0.5, 0.5)
    assert settings.rotation == Rotation(probability=1.0, degrees=[-20.0, 20.0])
    others = [getattr(settings, name).probability for name in OPERATIONS if name != "rotation"]
    assert set(others) == {0}
