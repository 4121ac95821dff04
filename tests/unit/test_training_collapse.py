"""A training that has stopped telling anything apart is named; one that is slow, or right, is not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import tensorflow as tf
from epochs import trainer_settings

from components.errors import UsageError
from components.task import Task
from components.trainer import run
from components.trainer.attempts import again, better, collapses, second_folder
from components.trainer.budget import Budget
from components.trainer.callbacks import TrainingDiverged
from components.trainer.collapse import Collapse
from components.trainer.pace import Spent

pytestmark = pytest.mark.long

CLASSES = Task(classes=["breast", "lesion"], ignores=True)


def masks(*drawn: Callable[[np.ndarray], Any]) -> np.ndarray:
    """Images of 4 x 4 pixels, each drawn on background."""
    made = np.zeros((len(drawn), 4, 4, 1), np.uint8)
    for mask, draw in zip(made, drawn, strict=True):
        draw(mask)
    return made


def nothing(mask: np.ndarray) -> None: ...


def lesion(mask: np.ndarray) -> None:
    mask[1:3, 1:3] = 1


def everything(mask: np.ndarray) -> None:
    mask[:] = 1


def unjudged(mask: np.ndarray) -> None:
    mask[:2] = 255
    mask[3] = 2


TRUTH = masks(lesion, nothing, lesion)


def epochs(
    collapse: Collapse, losses: Sequence[float], predicted: np.ndarray, truth: np.ndarray = TRUTH, first: int = 0
) -> None:
    collapse.set_model(cast(Any, SimpleNamespace(stop_training=False)))
    for epoch, loss in enumerate(losses, first):
        collapse.on_epoch_begin(epoch)
        for rows in (slice(1), slice(1, None)):
            collapse.saw(tf.constant(truth[rows], tf.float32), tf.constant(predicted[rows]))
        collapse.on_epoch_end(epoch, {"val_loss": loss})


FLAT = [1.0, 0.999, 0.998]


@pytest.mark.parametrize(
    ("predicted", "truth", "task", "said"),
    [
        (masks(nothing, nothing, nothing), TRUTH, Task(), "background in every pixel of each of 2 validation images"),
        # Where there is nothing, nothing need be told apart.
        (masks(nothing, lesion, nothing), TRUTH, Task(), "background in every pixel of each of 2 validation images"),
        (masks(everything, everything, everything), TRUTH, Task(), "foreground in every pixel of each of 2 valid"),
        (masks(everything, nothing), masks(unjudged, nothing), CLASSES, "breast in every pixel of each of 1 valid"),
        # What it says of pixels that are not judged is nothing.
        (masks(lambda mask: mask[:2].fill(2)), masks(unjudged), CLASSES, "background in every pixel of each of 1"),
        (masks(nothing, nothing, lesion), TRUTH, Task(), ""),
        (masks(nothing, nothing), masks(nothing, nothing), Task(), ""),
        (masks(everything), masks(everything), Task(), ""),
    ],
)
def test_what_says_the_same_of_every_pixel(predicted: np.ndarray, truth: np.ndarray, task: Task, said: str) -> None:
    collapse = Collapse(task, 3, ends=False)
    epochs(collapse, FLAT, predicted, truth)
    assert collapse.found.startswith(f"from epoch 1 on the model predicts {said}") if said else not collapse.found
    assert not collapse.model.stop_training


@pytest.mark.parametrize(
    ("losses", "collapsed"), [(FLAT[:2], False), ([1.0, 0.995, 0.98], False), ([1.0, 0.98, 0.98, 0.98], True)]
)
def test_a_loss_that_falls_is_a_slow_start(losses: list[float], collapsed: bool) -> None:
    collapse = Collapse(Task(), 3, ends=True)
    epochs(collapse, losses, masks(nothing, nothing, nothing))
    assert bool(collapse.found) is collapse.model.stop_training is collapsed


def test_what_finds_something_again_has_not_collapsed(caplog: pytest.LogCaptureFixture) -> None:
    collapse = Collapse(Task(), 3, ends=False)
    epochs(collapse, FLAT, masks(nothing, nothing, nothing))
    assert collapse.found
    epochs(collapse, [0.9], TRUTH, first=3)
    assert not collapse.found
    assert caplog.messages[-1] == "training has recovered in epoch 4"
    epochs(collapse, FLAT, masks(nothing, nothing, nothing), first=4)
    assert collapse.found.startswith("from epoch 5 on")


def test_it_goes_on_from_its_state() -> None:
    whole, other = Collapse(Task(), 3, ends=False), Collapse(Task(), 3, ends=False)
    epochs(whole, FLAT[:2], masks(nothing, nothing, nothing))
    other.restore({name: np.asarray(value) for name, value in whole.state().items()})
    epochs(other, FLAT[2:], masks(nothing, nothing, nothing), first=2)
    assert other.found.startswith("from epoch 1 on")


@dataclass
class Tried:
    """What is compared of an attempt."""

    seed: int
    folder: Path
    losses: list[float]
    found: str = ""
    collapse: Any = field(init=False)
    fitted: Any = field(init=False)

    def __post_init__(self) -> None:
        self.collapse = SimpleNamespace(found=self.found)
        self.fitted = SimpleNamespace(best=SimpleNamespace(lowest=min(self.losses)))
        (self.folder / "history.csv").write_text(str(self.seed))


@pytest.mark.parametrize(
    ("first", "second", "kept", "told"),
    [
        (("it is blind", [0.2]), ("", [0.9, 0.5]), 1000, ["that with seed 1000 is kept"]),
        (("it is blind", [0.4]), ("blind too", [0.3]), 1000, ["that with seed 1000 is kept", "it did no better"]),
        (("it is blind", [0.2]), ("blind too", [0.3]), 0, ["it did no better", "that with seed 0 is kept"]),
    ],
)
def test_of_two_attempts_the_better_one_is_kept_with_its_files(
    tmp_path: Path, first: Any, second: Any, kept: int, told: list[str]
) -> None:
    attempts = [
        Tried(0, tmp_path, first[1], first[0]),
        Tried(1000, second_folder(tmp_path), second[1], second[0]),
    ]
    found = better(cast(Any, attempts), tmp_path)
    assert found.seed == kept
    assert (tmp_path / "history.csv").read_text() == str(kept)
    other = tmp_path / ("collapsed" if kept else "retry")
    assert (other / "history.csv").read_text() == str(1000 - kept)
    messages = list(collapses(cast(Any, attempts), found, retried=True))
    assert all(end in message for end, message in zip(told, messages, strict=True))
    assert messages[0].startswith("training with seed 0 collapsed: it is blind")


@pytest.mark.parametrize(
    ("budget", "over", "left"),
    [
        (None, True, None),
        ("60 s", False, "20 s"),
        ("60 steps", False, "25 steps"),
        # What was kept back for the last validation.
        ("44 s", True, ""),
        ("35 steps", True, ""),
    ],
)
def test_the_second_attempt_has_another_seed_and_what_is_left_of_the_budget(
    budget: str | None, over: bool, left: str | None
) -> None:
    settings = trainer_settings(seed=7, budget=budget, epochs=None if budget else 3)
    spent = Spent(steps=35, training=30.0, validation=10.0)
    collapsed = cast(Any, SimpleNamespace(fitted=SimpleNamespace(pace=SimpleNamespace(spent=spent, over=over))))
    second = again(settings, collapsed)
    if left == "":
        assert second is None
    else:
        assert second
        changes = {"seed": 1007, "budget": Budget.parse(left) if left else None}
        assert second == settings.model_copy(update={"training": settings.training.model_copy(update=changes)})


@pytest.mark.parametrize(
    ("retried", "advice"),
    [
        (False, "Set [training] retry_collapsed = true, lower learning_rate, or change seed"),
        (True, "with another seed it came to nothing. Lower [training] learning_rate, or raise budget"),
    ],
)
def test_alone_it_says_what_to_do(tmp_path: Path, retried: bool, advice: str) -> None:
    attempt = Tried(0, tmp_path, [0.4], "it is blind")
    [message] = collapses(cast(Any, [attempt]), cast(Any, attempt), retried)
    assert message.endswith(advice)


@pytest.mark.parametrize("error", [TrainingDiverged("the loss is nan"), UsageError("batch_size = 8 does not fit")])
def test_a_second_attempt_that_fails_leaves_the_first(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(run, "attempt", failing)
    assert not list(run._second(cast(Any, None), trainer_settings(), tmp_path, tmp_path / "2.npz"))
    assert str(error) in caplog.text
    assert not list(run._second(cast(Any, None), None, tmp_path, tmp_path / "2.npz"))
    assert caplog.messages[-1].endswith("nothing is left of its budget for another seed")
