"""The opponents of the contest, by worked values: their network, loss and loader, and the files of nnU-Net."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.quality.contest.nnunet import NnUNet, read_answers, write_dataset, write_images
from benchmarks.quality.contest.problem import Problem, problem_of
from benchmarks.quality.contest.reference.contestant import Reference
from benchmarks.quality.contest.reference.data import batches, pair_of
from benchmarks.quality.contest.reference.network import dice_loss, network
from components.errors import UsageError

NNUNET = os.environ.get("MASKLINE_NNUNET_PYTHON", "")


@pytest.fixture
def problem(tmp_path: Path, write_pairs: Callable[..., Path]) -> Problem:
    return problem_of(write_pairs(tmp_path / "nuclei-mini", 10, size=(64, 96)), "development")


def test_the_network_has_their_number_of_parameters() -> None:
    model = network((64, 32), 1)
    assert model.count_params() == 1_947_153
    assert sum(int(np.prod(weights.shape)) for weights in model.trainable_weights) == 1_943_985
    assert model.output_shape == (None, 64, 32, 1)
    assert network((32, 32), 3, classes=3).output_shape == (None, 32, 32, 4)


def test_the_loss_is_of_the_flattened_batch() -> None:
    """Two images: sums of both are 1.5 in common, 2 true, 2.5 predicted; (3 + 1) / (4.5 + 1)."""
    truth = np.array([[1, 0], [1, 0]], np.float32).reshape(2, 1, 2, 1)
    predicted = np.array([[1, 0.5], [0.5, 0.5]], np.float32).reshape(2, 1, 2, 1)
    assert float(dice_loss(truth, predicted)) == pytest.approx(1 - 4 / 5.5)


def test_an_image_and_its_truth_are_moved_alike() -> None:
    """A disc that is its own truth stays so under every draw, and some draws move it."""
    rows, columns = np.ogrid[:64, :64]
    disc = ((rows - 20) ** 2 + (columns - 40) ** 2 < 100).astype(np.float32)[..., None]
    drawn = batches([(disc, disc)] * 3, 2, np.random.default_rng(0))
    pairs = [next(drawn) for _ in range(4)]
    assert [len(images) for images, _ in pairs] == [2, 1, 2, 1]
    for images, truths in pairs:
        np.testing.assert_array_equal(images > 0.5, truths == 1)
        assert truths.sum() > 0
    assert not np.array_equal(pairs[0][1][0], pairs[0][1][1])


def test_what_it_sees_is_nearest_and_of_0_to_1(problem: Problem) -> None:
    image, truth = pair_of(problem, problem.train[0], (32, 48))
    assert image.shape == (32, 48, 3)
    assert truth.shape == (32, 48, 1)
    source = problem.pixels(problem.train[0])
    assert set(np.unique(image)) <= set(np.unique(source).astype(np.float32) / 255)
    assert set(np.unique(truth)) == {0, 1}


def test_the_folder_is_as_nnunet_wants_it(problem: Problem, tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", problem)
    described = json.loads((tmp_path / "set/dataset.json").read_text())
    learnt = [*problem.train, *problem.validation]
    assert described["channel_names"] == {"0": "R", "1": "G", "2": "B"}
    assert described["labels"] == {"background": 0, "foreground": 1}
    assert (described["numTraining"], described["file_ending"]) == (len(learnt), ".png")
    for folder, suffix in (("imagesTr", "_0000"), ("labelsTr", "")):
        names = {path.name for path in (tmp_path / "set" / folder).iterdir()}
        assert names == {f"case_{number:03d}{suffix}.png" for number in range(len(learnt))}
    image = cv2.imread(str(tmp_path / "set/imagesTr/case_001_0000.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(image[..., ::-1], problem.pixels(learnt[1]))
    mask = cv2.imread(str(tmp_path / "set/labelsTr/case_001.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, problem.truth(learnt[1]))


def test_answers_come_back_at_the_size_of_their_images(problem: Problem, tmp_path: Path) -> None:
    write_images(tmp_path / "asked", problem, problem.measured)
    assert len(list((tmp_path / "asked").glob("case_*_0000.png"))) == len(problem.measured)
    (tmp_path / "out").mkdir()
    for number, source in enumerate(problem.measured):
        cv2.imwrite(str(tmp_path / f"out/case_{number:03d}.png"), problem.truth(source))
    for answer, source in zip(read_answers(tmp_path / "out", problem.measured), problem.measured, strict=True):
        np.testing.assert_array_equal(answer, problem.truth(source))
    cv2.imwrite(str(tmp_path / "out/case_000.png"), np.zeros((4, 4), np.uint8))
    with pytest.raises(
        UsageError, match=r"case_000\.png: expected an answer of \(64, 96\) pixels, found one of \(4, 4\)"
    ):
        list(read_answers(tmp_path / "out", problem.measured))
    (tmp_path / "out/case_000.png").unlink()
    with pytest.raises(UsageError, match="found none"):
        list(read_answers(tmp_path / "out", problem.measured))


def test_nnunet_needs_its_interpreter(problem: Problem) -> None:
    with pytest.raises(UsageError, match=r"--python : no nnunetv2 2\.8 is installed there"):
        NnUNet().pace(problem, None)


@pytest.mark.slow
def test_the_reference_ends_at_its_budget(problem: Problem) -> None:
    outcome = Reference().enter(problem, 3, 0, None)
    assert (outcome.steps, outcome.parameters) == (3, 1_947_153 + 288)
    assert [answer.shape for answer in outcome.answers["reference"]] == [(64, 96)] * len(problem.measured)
    assert outcome.processor_seconds > 0


@pytest.mark.slow
@pytest.mark.skipif(not NNUNET, reason="MASKLINE_NNUNET_PYTHON names no interpreter with nnunetv2")
def test_nnunet_trains_and_answers_twice(problem: Problem) -> None:
    outcome = NnUNet().enter(problem, 2, 0, Path(NNUNET))
    assert outcome.steps == 2
    assert outcome.processor_seconds > 0
    for method in NnUNet.methods:
        assert [answer.shape for answer in outcome.answers[method]] == [(64, 96)] * len(problem.measured)
