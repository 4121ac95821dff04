"""A plan: what is seen of data, what is chosen by it, and what is said against a recipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from planned import CELLS, FILMS, GIB, MACHINE, auto, untouched, values

from components.errors import UsageError
from components.task import Task
from components.trainer.settings import Model
from pipeline.config.loader import load_config
from pipeline.runs.phantoms.sets import write_phantoms
from pipeline.runs.plan.choices import batch_of, choose
from pipeline.runs.plan.core import with_choices
from pipeline.runs.plan.doubts import doubts
from pipeline.runs.plan.fingerprint import Fingerprint, Machine, fingerprint_of, look_at
from pipeline.runs.plan.networks import ENCODER, PLAIN
from pipeline.runs.plan.sizes import Size, size_of

SHARED = Path(__file__).parents[3] / "shared" / "data"


class TestFingerprint:
    def test_a_look_tells_sizes_lesions_and_shares(self) -> None:
        truth = np.zeros((40, 60), np.uint8)
        truth[2:12, 2:12] = 1
        truth[20:40, 0:60] = 255
        truth[0, 59] = 1
        look = look_at(truth, classes=2)
        assert (look.height, look.width, list(look.lesions)) == (40, 60, [1])
        # 100 of 101 pixels are in the square; the speck counts for nothing.
        assert look.lesions[1] == pytest.approx(2 * (100 / np.pi) ** 0.5)
        assert look.shares.tolist() == pytest.approx([1099 / 1200, 101 / 1200, 0])

    def test_nothing_of_the_test_split_is_seen(self, tmp_path: Path) -> None:
        for name in ("images", "masks"):
            (tmp_path / name).mkdir()
        for number in range(20):
            large = number in (3, 8)
            image = np.random.default_rng(number).integers(0, 255, (96, 96) if large else (64, 64), np.uint8)
            mask = np.zeros_like(image)
            cv2.circle(mask, (32, 32), 20 if large else 6, 255, -1)
            for name, pixels in {"images": image, "masks": mask}.items():
                cv2.imwrite(str(tmp_path / name / f"{number:02}.png"), pixels)
        config = load_config("folders", ["data.splits.test_groups=['03', '08']", "data.height=64", "data.width=64"])
        seen = fingerprint_of(tmp_path, config.records, untouched, MACHINE)
        assert (seen.images, seen.groups, seen.tested, seen.longest) == (18, 18, 2, 64)
        assert seen.lesion == pytest.approx(12, abs=0.5)
        assert seen.shares["foreground"] == pytest.approx(np.pi * 36 / 64**2, rel=0.1)

    def test_a_folder_of_which_nothing_can_be_used_is_refused(self, tmp_path: Path) -> None:
        for name in ("images", "masks"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.png").write_bytes(b"no image")
        with pytest.raises(UsageError, match="none of its images can be used"):
            fingerprint_of(tmp_path, load_config("folders").records, untouched, MACHINE)


class TestSizes:
    @pytest.mark.parametrize(
        ("seen", "minutes", "why"),
        [
            (FILMS, 5, "as large as 5 minutes have time for"),
            (FILMS, 600, "as large as a plan takes them, 512 px a side"),
            (replace(FILMS, machine=Machine(cores=2, memory=2 * GIB)), 20, "as large as memory has room for"),
            (replace(CELLS, lesion=20.0), 20, "as large as images are in the median"),
        ],
    )
    def test_the_reason_of_a_size_is_what_limits_it(self, seen: Fingerprint, minutes: float, why: str) -> None:
        told = {choice.key: choice.why for choice in choose(seen, minutes)}
        assert why in told["data.height"]

    def test_large_lesions_are_seen_whole(self) -> None:
        assert size_of(FILMS, 256.0**2) == Size(256, 256, False, 0.25)

    def test_small_lesions_are_cut_into_tiles_at_their_own_scale(self) -> None:
        assert size_of(replace(FILMS, lesion=16.0), 256.0**2) == Size(256, 256, True, 1.0)

    def test_tiles_are_no_larger_than_images(self) -> None:
        assert size_of(CELLS, 512.0**2) == Size(256, 256, True, 1.0)

    def test_small_images_keep_their_size(self) -> None:
        assert size_of(replace(CELLS, height=100, width=60, longest=100), 512.0**2)[:3] == (96, 64, False)

    def test_the_side_that_is_longer_stays_longer(self) -> None:
        size = size_of(replace(FILMS, height=2000, width=1000, longest=2000), 256.0**2)
        assert (size.height, size.width) == (352, 192)

    @pytest.mark.parametrize(("minutes", "side"), [(1, 128), (5, 256), (20, 512), (600, 512)])
    def test_time_decides_how_large(self, minutes: float, side: int) -> None:
        chosen = values(choose(FILMS, minutes))
        assert chosen["data.height"] == chosen["data.width"] == side

    def test_an_accelerator_has_time_for_more(self) -> None:
        one = replace(FILMS, machine=Machine(cores=2, memory=16 * GIB, accelerator=True))
        assert values(choose(one, 5))["data.height"] == 512


class TestBatches:
    def test_four_images_eight_where_time_is_left(self) -> None:
        assert values(choose(FILMS, 20))["training.batch_size"] == 4
        assert values(choose(CELLS, 60))["training.batch_size"] == 8

    @pytest.mark.parametrize(("gigabytes", "batch"), [(16, 4), (4, 2), (1, 1)])
    def test_no_batch_that_does_not_fit(self, gigabytes: float, batch: int) -> None:
        small = replace(FILMS, machine=Machine(cores=2, memory=gigabytes * GIB))
        assert batch_of(small, 20, ENCODER, Size(512, 512, False, 0.5)) == batch

    def test_little_memory_takes_smaller_records_before_smaller_batches(self) -> None:
        chosen = values(choose(replace(FILMS, machine=Machine(cores=2, memory=2 * GIB)), 20))
        assert (chosen["data.height"], chosen["training.batch_size"]) == (320, 4)

    def test_no_batch_larger_than_the_data(self) -> None:
        assert values(choose(replace(FILMS, images=3), 20))["training.batch_size"] == 2

    def test_small_batches_of_a_plain_network_have_group_norm(self) -> None:
        assert values(choose(replace(FILMS, images=3), 20, PLAIN))["model.parameters"]["normalisation"] == "group"

    def test_memory_is_as_the_trainer_tells_it(self) -> None:
        from components.trainer.footprint import footprint
        from components.trainer.segmenter import build_segmenter

        for network in (ENCODER, PLAIN):
            drawn = {"weights": "none"} if network is ENCODER else {}
            model = Model(architecture=network.architecture, parameters={**network.parameters, **drawn})
            built = build_segmenter(3, model, Task()).network
            assert footprint(built, (128, 128, 3)).image / 128**2 == pytest.approx(network.memory, rel=0.1)


class TestTheRest:
    def test_a_class_that_is_rare_is_drawn_more_often(self) -> None:
        seen = replace(FILMS, shares={"a": 0.3, "b": 0.01}, present={"a": 1.0, "b": 0.1})
        assert values(choose(seen, 20))["training.balance"] == "classes"
        assert values(choose(FILMS, 20))["training.balance"] == "none"

    def test_a_class_that_never_occurs_cannot_be_drawn(self) -> None:
        seen = replace(FILMS, shares={"a": 0.3, "b": 0.0}, present={"a": 1.0, "b": 0.0})
        assert values(choose(seen, 20))["training.balance"] == "none"

    @pytest.mark.parametrize(("groups", "tested", "k"), [(20, 4, 5), (8, 3, 2), (5, 3, None), (24, 6, None)])
    def test_few_groups_are_cut_into_folds(self, groups: int, tested: int, k: int | None) -> None:
        assert values(choose(replace(FILMS, groups=groups, tested=tested), 20)).get("folds.k") == k

    def test_a_published_validation_split_stays(self) -> None:
        seen = replace(FILMS, groups=20, tested=4, prescribed=True)
        assert "folds.k" not in values(choose(seen, 20))

    def test_every_choice_says_why_in_numbers_of_the_data(self) -> None:
        told = {choice.key: choice.why for choice in choose(CELLS, None)}
        assert all(told.values())
        assert "10 px across" in told["data.height"]
        assert "41 images" in told["model.architecture"]
        assert told["training.batch_size"] == (
            "some 2,700 steps in 20 minutes (assumed, as the recipe states no budget in time) on 2 cores"
        )
        assert "assumed" not in " ".join(choice.why for choice in choose(CELLS, 20))


class TestDoubts:
    def test_too_many_weights_for_too_few_films(self) -> None:
        config = load_config(
            "demo", ["model.parameters={levels=8, base_filters=16}", "data.height=128", "data.width=128"]
        )
        [told] = doubts(config, FILMS)
        assert told.startswith("[model] unet: 124 million weights for 41 images")

    def test_weights_that_were_learnt_elsewhere_are_not_too_many(self) -> None:
        assert not list(doubts(with_choices(auto(), choose(CELLS, 5)), replace(CELLS, images=5)))

    def test_small_lesions_of_images_that_are_no_larger(self) -> None:
        tiny = replace(CELLS, longest=32, lesion=1.0)
        assert not list(doubts(load_config("demo", ["data.height=32", "data.width=32"]), tiny))

    def test_lesions_of_less_than_three_pixels(self) -> None:
        [told] = doubts(load_config("demo", ["data.height=32", "data.width=32"]), FILMS)
        assert "small lesions of 60 px are 1.9 px across at that size" in told

    def test_a_batch_that_does_not_fit(self) -> None:
        seen = replace(FILMS, machine=Machine(cores=2, memory=1 * GIB))
        [told] = doubts(load_config("demo", ["training.batch_size=500"]), seen)
        assert told.startswith("[training] batch_size = 500: a step takes some")
        assert "At most" in told
        assert "1.1 GB are free" in told

    def test_the_recipes_are_not_doubted(self) -> None:
        assert not list(doubts(load_config("demo"), FILMS))


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data here")
@pytest.mark.parametrize(
    ("data", "stain", "size"),
    [
        ("nuclei-mini", "fluo", (256, 256, False)),
        ("nuclei-mini", "p", (256, 288, False)),
        ("inbreast-mini", "", (256, 256, False)),
    ],
)
def test_of_real_images(data: str, stain: str, size: tuple[int, int, bool], tmp_path: Path) -> None:
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
        for path in (SHARED / data / name).glob(f"{stain}*"):
            (tmp_path / name / path.name).symlink_to(path)
    config = load_config("folders", ["data.mask={threshold=128}"])
    seen = fingerprint_of(tmp_path, config.records, untouched, MACHINE)
    chosen = values(choose(seen, 5))
    assert (chosen["data.height"], chosen["data.width"], "data.tiles" in chosen) == size


@pytest.mark.parametrize(("form", "classes"), [("mias", 1), ("classes", 3)])
def test_of_phantoms(form: Any, classes: int, tmp_path: Path) -> None:
    write_phantoms(tmp_path, women=20, size=256, seed=7, form=form)
    config = load_config("demo_multiclass" if classes == 3 else "demo")
    chosen = values(choose(fingerprint_of(tmp_path, config.records, untouched, MACHINE), 5))
    assert (chosen["data.height"], chosen["data.width"], "data.tiles" in chosen) == (256, 256, False)
    assert chosen["folds.k"] == 5
