"""nnU-Net as it comes, in an environment of its own: files in, its commands, files out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from benchmarks.quality.contest.contestant import Outcome, Pace
from benchmarks.quality.contest.problem import Problem
from benchmarks.quality.contest.versions import digest
from components.errors import UsageError
from components.example_gen.core import Source
from components.files import read_json, write_json
from components.imaging.files.codecs import encode_png

TRAINER = Path(__file__).parent / "under_nnunet"
DATASET = "Dataset001_contest"
_TRAINED = f"{DATASET}/BudgetTrainer__nnUNetPlans__2d"
_RELEASE = "2.8"
_PACE_STEPS = 8
_THREADS = "2"


class NnUNet:
    """Its own plan of the 2d kind, trained on all of train and eval; answers without and with mirroring."""

    methods: tuple[str, ...] = ("nnunet", "nnunet-mirrored")

    def version(self, data: str) -> str:
        return digest(Path(__file__), TRAINER / "budget.py")

    def pace(self, problem: Problem, python: Path | None) -> Pace:
        with _Room(problem, python) as room:
            spent = room.train(_PACE_STEPS, seed=0)
            return Pace(spent["step"], {**room.plan(), "parameters": spent["parameters"]})

    def enter(self, problem: Problem, steps: int, seed: int, python: Path | None) -> Outcome:
        with _Room(problem, python) as room:
            spent = room.train(steps, seed)
            answers = [list(room.answers(mirrored)) for mirrored in (False, True)]
        costs = {name: spent[name] for name in ("steps", "parameters", "seconds", "processor_seconds")}
        return Outcome(dict(zip(self.methods, answers, strict=True)), **costs)


def write_dataset(folder: Path, problem: Problem) -> None:
    """Writes train and eval as nnU-Net wants them: PNG, class indices, `dataset.json`."""
    learnt = [*problem.train, *problem.validation]
    write_images(folder / "imagesTr", problem, learnt)
    _write(folder / "labelsTr", "", map(problem.truth, learnt))
    names = ["gray"] if problem.channels == 1 else ["R", "G", "B"]
    described = {
        "channel_names": {str(number): name for number, name in enumerate(names)},
        "labels": {name: index for index, name in enumerate(["background", *problem.classes])},
        "numTraining": len(learnt),
        "file_ending": ".png",
        "overwrite_image_reader_writer": "NaturalImage2DIO",
    }
    write_json(folder / "dataset.json", described)


def write_images(folder: Path, problem: Problem, sources: Iterable[Source]) -> None:
    """Writes images under the names that `read_answers` expects; RGB is one file."""
    _write(folder, "_0000", map(problem.pixels, sources))


def read_answers(folder: Path, sources: Sequence[Source]) -> Iterator[np.ndarray]:
    """Class indices `(H, W)` uint8 of images that `write_images` wrote.

    Raises:
        UsageError: one is missing or of another size.
    """
    for number, source in enumerate(sources):
        path = folder / f"{_name(number)}.png"
        answer = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        found = "none" if answer is None else f"one of {answer.shape}"
        if answer is None or answer.shape != source.truth.classes.shape:
            raise UsageError(f"{path}: expected an answer of {source.truth.classes.shape} pixels, found {found}")
        yield answer


def _write(folder: Path, suffix: str, images: Iterable[np.ndarray]) -> None:
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        (folder / f"{_name(number)}{suffix}.png").write_bytes(encode_png(image))


def _name(number: int) -> str:
    return f"case_{number:03d}"


class _Room:
    """A temporary folder with a data set, planned and preprocessed, and the commands of nnU-Net in it."""

    def __init__(self, problem: Problem, python: Path | None) -> None:
        installed = f"lib/python3*/site-packages/nnunetv2-{_RELEASE}.*.dist-info"
        if python is None or not any(python.parent.parent.glob(installed)):
            raise UsageError(
                f"--python {python or ''}: no nnunetv2 {_RELEASE} is installed there. Give the interpreter of an "
                "environment that has it"
            )
        # A link is what an environment's interpreter may be.
        self._problem, self._bin = problem, python.absolute().parent

    def __enter__(self) -> _Room:
        self._scratch = TemporaryDirectory()
        self._folder = Path(self._scratch.name)
        write_dataset(self._folder / "raw" / DATASET, self._problem)
        write_images(self._folder / "asked", self._problem, self._problem.measured)
        self._call("plan_and_preprocess", "-d", "1", "-c", "2d", "-np", _THREADS, "-npfp", _THREADS)
        return self

    def __exit__(self, *_: object) -> None:
        self._scratch.cleanup()

    def train(self, steps: int, seed: int) -> dict[str, Any]:
        """What `BudgetTrainer` tells of its training."""
        # Augmentation in the process that trains: its time counts, and its draws come from the seed.
        own = {"MASKLINE_STEPS": str(steps), "MASKLINE_SEED": str(seed), "nnUNet_n_proc_DA": "0"}
        self._call("train", DATASET, "2d", "all", "-tr", "BudgetTrainer", "-device", "cpu", **own)
        return read_json(self._folder / "results" / _TRAINED / "fold_all" / "spent.json")

    def answers(self, mirrored: bool) -> Iterator[np.ndarray]:
        out = self._folder / f"answers-{mirrored}"
        folders = ("-i", str(self._folder / "asked"), "-o", str(out))
        how = ("-d", DATASET, "-c", "2d", "-f", "all", "-tr", "BudgetTrainer", "-npp", "1", "-nps", "1")
        self._call("predict", *folders, *how, "-device", "cpu", *([] if mirrored else ["--disable_tta"]))
        return read_answers(out, self._problem.measured)

    def plan(self) -> dict[str, Any]:
        """What it chose."""
        plan = read_json(self._folder / "preprocessed" / DATASET / "nnUNetPlans.json")["configurations"]["2d"]
        network = plan["architecture"]["arch_kwargs"]
        return {
            "patch": plan["patch_size"],
            "batch": plan["batch_size"],
            "stages": network["n_stages"],
            "features": network["features_per_stage"],
            "normalisation": plan["normalization_schemes"],
        }

    def _call(self, command: str, *arguments: str, **own: str) -> None:
        folders = {f"nnUNet_{name}": str(self._folder / name) for name in ("raw", "preprocessed", "results")}
        environment = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            **folders,
            "nnUNet_n_proc_DA": _THREADS,
            **own,
            "nnUNet_extTrainer": str(TRAINER),
            "nnUNet_compile": "f",
            "CUDA_VISIBLE_DEVICES": "",
            # Threads that wait for another sleep: on a busy machine waiting would count.
            "OMP_WAIT_POLICY": "PASSIVE",
            "PYTHONDONTWRITEBYTECODE": "1",
            **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), _THREADS),
        }
        run = [str(self._bin / f"nnUNetv2_{command}"), *arguments]
        done = subprocess.run(run, env=environment, capture_output=True, text=True, cwd=self._folder)
        if done.returncode:
            raise UsageError(f"nnUNetv2_{command} failed: {(done.stdout + done.stderr)[-2000:]}")
