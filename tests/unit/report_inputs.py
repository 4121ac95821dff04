"""What the nodes before it hand to RunReport: the folders of a small run, and the page made of them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow as tf
from evaluated import limit, settings
from tfx.types import standard_artifacts

from components import artifact_types
from components.bulk_inferrer.answers import PLAIN, Place
from components.evaluator.per_case import Case, ClassScores, write_cases
from components.files import read_json, write_json
from components.measures.confusion import Confusion
from components.records.record import Record
from components.records.tfexample import serialize
from components.run_report.executor import Executor
from components.run_report.settings import ReportSettings
from components.run_report.written import write_report
from components.seen.names import Names

CHECKS = [
    {"name": "signature", "passed": True, "detail": "serving_default takes PNG bytes"},
    {"name": "equal results", "passed": False, "detail": "differs by 0.2"},
]
HOSTILE = "<script>alert(1)</script>"
SHARD = "data_tfrecord-00000-of-00001"
NOTICE = "The films are phantoms & not patients."


class Page(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.extend(data.split())

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def score(mean: float | None, median: float | None, n: int) -> dict[str, Any]:
    return {
        "mean": mean,
        "median": median,
        "ci95": None if mean is None else [mean - 0.05, mean + 0.05],
        "n": n,
    }


METRICS = {
    "cases": 4,
    "cases_with_foreground": 3,
    "empty_cases": 1,
    "empty_cases_with_prediction": 1,
    "empty_masks": "skip",
    "operating_point": {"threshold": 0.5},
    "measures": {
        each.name: each.described() for each in settings().measures if each.name in ("dice", "iou", "ce_dice")
    },
    "dice": score(0.61249, 0.7, 3),
    "iou": score(0.5, 0.53846, 3),
    "ce_dice": score(0.3, 0.3, 4),
    "classes": {"foreground": {"dice": score(0.61249, 0.7, 3), "iou": score(0.5, 0.53846, 3)}},
    "champion": {
        "version": "6",
        "dice": score(0.58, 0.6, 3),
        "iou": score(0.4, 0.4, 3),
        "ce_dice": score(0.4, 0.4, 4),
        "classes": {"foreground": {"dice": score(0.58, 0.6, 3), "iou": score(0.4, 0.4, 3)}},
    },
    "change": {
        "dice": {"mean": 0.03249, "ci95": [-0.01, 0.07], "n": 3},
        "iou": {"mean": 0.1, "ci95": None, "n": 3},
        "ce_dice": {"mean": -0.1, "ci95": None, "n": 4},
    },
    "limits": [
        {
            **limit(measure="dice", at_least=0.5, slice="label=malignant").model_dump(),
            **{"key": None, "value": 0.4, "n": 2, "met": False, "sentence": "mean Dice is below at_least 0.5"},
        }
    ],
    "absent": {"foreground": {"cases": 1, "with_prediction": 1}},
    "surface_tolerance": "2 px",
    "risk_coverage": {"foreground": [[0.5, 0.1], [1.0, 0.3]]},
    "notes": ["class 'x' was never measured"],
    "collapsed": None,
    "blessed": True,
    "reasons": [],
}
UNDEFINED = METRICS | {
    "dice": score(None, None, 0),
    "iou": score(None, None, 0),
    "champion": None,
    "change": None,
    "blessed": False,
    "reasons": ["mean Dice is undefined, the recipe demands 0.7"],
}
DICE = {"a": 0.4, "b": 0.7, HOSTILE: 0.73747, "empty": math.nan}
SPLIT_REPORT = {
    "data_fingerprint": "f00",
    "splits": {
        split: {"records": records, "groups": groups, "with_foreground": 3, "classes": {"background": 4, "lesion": 3}}
        for split, records, groups in (("train", 20, 11), ("eval", 5, 3), ("test", 4, 4))
    },
    "sources": 31,
    "left_out": [{"source": f"span-1/{number}.pgm", "kind": "span", "reason": "older"} for number in range(3)],
    "rejects": [
        {"source": "torn.pgm", "reason": "cut short"},
        {"source": "lone.pgm", "reason": "has no mask"},
    ],
    "notes": [{"message": "identical pixels within a split (1): x.pgm and y.pgm (train, group 1)"}],
    "problems": [],
    "drift": {
        "champion": "1700000000",
        "features": [
            {
                **{"name": "intensity mean", "verdict": "no drift", "champion_groups": 20, "groups": 24},
                **{"champion_median": 0.25, "median": 0.2625, "statistic": 0.1875, "p_value": 0.6},
            },
            {
                **{"name": "empty masks", "verdict": "too few to tell", "champion_groups": 3, "groups": 24},
                **{"champion_median": None, "median": None, "statistic": None, "p_value": None},
            },
        ],
    },
    "records": [
        {
            "id": id,
            "group": f"group {id}",
            "source": id,
            "split": "test",
            "sha256": id,
            "has_foreground": True,
        }
        for id in DICE
    ],
}


ACCOUNT = {
    **{"data_fingerprint": "f00", "sources": 31, "records": {"train": 20, "eval": 5, "test": 4}},
    "rejects": [{"source": "torn.pgm", "kind": "image", "reason": "cut short"}],
    **{"left_out": [], "without_records": [], "empty_tiles_dropped": 0, "lossy_masks": None},
    **{"lesions_lost": {}, "truth": {}, "turns": {}},
}


class Outputs:
    """The folders of a small run, and the report made of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.inputs = {
            "examples": standard_artifacts.Examples(),
            "split_report": artifact_types.SplitReport(),
            "model": standard_artifacts.Model(),
            "inference": standard_artifacts.InferenceResult(),
            "model_run": standard_artifacts.ModelRun(),
            "evaluation": standard_artifacts.ModelEvaluation(),
            "blessing": standard_artifacts.ModelBlessing(),
            "infra_blessing": standard_artifacts.InfraBlessing(),
            "pushed_model": standard_artifacts.PushedModel(),
        }
        for name, artifact in self.inputs.items():
            artifact.uri = str(root / name)
            Path(artifact.uri).mkdir()
        write_json(root / "examples" / "account.json", ACCOUNT)
        self.write_examples(np.arange(32 * 32, dtype=np.uint16).reshape(32, 32).astype(np.uint8))
        self._write_training()
        self._write_model()
        write_json(root / "split_report" / "split_report.json", SPLIT_REPORT)

    def report(
        self,
        metrics: dict[str, Any] = METRICS,
        dice: dict[str, float] = DICE,
        infra_blessed: bool = True,
        classes: Sequence[str] = ("foreground",),
        config: dict[str, Any] | None = None,
        **pushed_model: str,
    ) -> str:
        """The page."""
        self._write_evaluation(metrics, dice, classes)
        self._write_answers(classes)
        write_json(self.root / "infra_blessing" / "checks.json", {"passed": infra_blessed, "checks": CHECKS})
        self.inputs["blessing"].set_int_custom_property("blessed", int(metrics["blessed"]))
        self.inputs["infra_blessing"].set_int_custom_property("blessed", int(infra_blessed))
        self.inputs["pushed_model"].set_int_custom_property("pushed", int("pushed_version" in pushed_model))
        for name, value in pushed_model.items():
            self.inputs["pushed_model"].set_string_custom_property(name, value)
        output = artifact_types.HtmlReport()
        output.uri = str(self.root)
        given = {
            "recipe": "tiny",
            "task": {"classes": classes},
            "derivation": {"height": self._seen.shape[0], "width": self._seen.shape[1]},
            "notice": NOTICE,
            "config": config or {"training": {"epochs": 3, "note": HOSTILE}},
            "code": {"Trainer": "0123456789ab of a.module"},
        }
        self._settings = ReportSettings.model_validate_json(json.dumps(given))
        Executor().Do(
            {name: [artifact] for name, artifact in self.inputs.items()},
            {"report": [output]},
            {"settings": json.dumps(given), "code_version": "0"},
        )
        return (self.root / "report.html").read_text(encoding="utf-8")

    def anonymous(self, folder: Path, names: Names) -> None:
        """The last report again, in another folder."""
        folder.mkdir()
        write_report(self.inputs, self._settings, folder, names)

    @property
    def sheet(self) -> dict[str, Any]:
        """What `report.json` says."""
        return read_json(self.root / "report.json")

    def write_examples(self, image: np.ndarray, *more: str) -> None:
        """Each case, and more of them by their ids, with the same image; and one of validation."""
        self._ids = {"eval": ["validated"], "test": [*DICE, *more]}
        mask = np.zeros(image.shape[:2], np.uint8)
        mask[4:10, 4:10] = 1
        record = Record(image, mask, "a", "group a", "a.pgm", b"0" * 32, {})
        for split, ids in self._ids.items():
            folder = self.root / "examples" / f"Split-{split}"
            folder.mkdir(exist_ok=True)
            with tf.io.TFRecordWriter(str(folder / SHARD)) as writer:
                for id in ids:
                    truth = np.zeros_like(mask) if id == "empty" else mask
                    writer.write(serialize(replace(record, id=id, mask=truth)))
        self._seen = mask.astype(np.float32)

    def _write_answers(self, classes: Sequence[str]) -> None:
        """Of the first class 1 where it is true; of `b` 8 columns farther right, of `endless` no number."""
        for split, ids in self._ids.items():
            with Place(self.inputs["inference"].uri, split).writer(PLAIN, SHARD) as write:
                for id in ids:
                    seen = np.full_like(self._seen, np.nan) if id == "endless" else self._seen
                    first = np.roll(seen, 8 if id == "b" else 0, axis=1)
                    others = [np.zeros_like(first)] * (len(classes) - 1)
                    write(np.stack([1 - first, first, *others] if others else [first], axis=-1))

    def _write_model(self) -> None:
        folder = self.root / "model" / "Format-Serving"
        tf.train.Checkpoint(kernel=tf.Variable([1.0, 2.0])).write(str(folder / "variables" / "variables"))
        (folder / "assets.extra").mkdir()
        write_json(folder / "assets.extra" / "training.json", {"config": {}})

    def change_training(self, **keys: Any) -> None:
        """Of `training.json`."""
        path = self.root / "model_run" / "training.json"
        write_json(path, {**read_json(path), **keys})

    def drop_training(self, key: str) -> None:
        """Of `training.json`."""
        path = self.root / "model_run" / "training.json"
        write_json(path, {name: value for name, value in read_json(path).items() if name != key})

    def warn_of_the_training(self, *told: str) -> None:
        self.change_training(warnings=told)

    def write_operating_point(self, point: dict[str, Any]) -> None:
        write_json(self.root / "model" / "Format-Serving" / "assets.extra" / "operating_point.json", point)

    def add_engines(self, **engines: dict[str, Any]) -> None:
        """Verdicts by form, with `_` in place of `-`."""
        self.inputs["engines"] = artifact_types.Engines()
        self.inputs["engines"].uri = str(self.root / "engines")
        (self.root / "engines").mkdir()
        found = {form.replace("_", "-"): verdict for form, verdict in engines.items()}
        write_json(self.root / "engines" / "engines.json", {"engines": found})

    def add_strips(self, *ids: str, strip: np.ndarray | None = None) -> list[bytes]:
        path, made = self.root / "model_run" / "training.json", []
        (path.parent / "strips").mkdir()
        for number, _ in enumerate(ids):
            file = path.parent / "strips" / f"{number}.png"
            cv2.imwrite(str(file), np.full((4, 8), number, np.uint8) if strip is None else np.roll(strip, number, 0))
            made.append(file.read_bytes())
        strips = [{"file": f"strips/{n}.png", "id": id, "title": "median foreground"} for n, id in enumerate(ids)]
        write_json(path, {**read_json(path), "strips": strips})
        return made

    def write_prediction(self, mask: np.ndarray) -> None:
        """The same for each case."""
        cv2.imwrite(str(self.root / "evaluation" / "predicted.png"), mask)

    def _write_training(self) -> None:
        epochs = ["0,0.2,0.001,0.9,0.3,0.8", "1,0.5,0.001,0.5,0.6,0.4", "2,0.6,0.0005,0.4,0.5,0.5"]
        header = "epoch,dice,learning_rate,loss,val_dice,val_loss"
        (self.root / "model_run" / "history.csv").write_text("\n".join([header, *epochs]))
        at_best = {"train": {"dice": 0.5, "ce_dice": 0.5}, "eval": {"dice": 0.6, "ce_dice": 0.4}}
        run = {
            "best_epoch": 2,
            "epochs_run": 3,
            "stopped_early": True,
            "parameters": 1234567,
            "seconds": 90.0,
            "devices": ["GPU:0", "GPU:1"],
            "start": "warm from version 6",
            "warm_starts": 1,
            "warnings": [],
        }
        write_json(self.root / "model_run" / "training.json", run | at_best)

    def _write_evaluation(self, metrics: dict[str, Any], dice: dict[str, float], classes: Sequence[str]) -> None:
        evaluation = self.root / "evaluation"
        write_json(evaluation / "metrics.json", metrics)
        if not (evaluation / "predicted.png").exists():
            self.write_prediction(np.eye(32, dtype=np.uint8))
        champion = metrics["champion"] is not None
        write_cases(evaluation / "per_case.csv", [_case(id, value, champion, classes) for id, value in dice.items()])


def _case(id: str, dice: float, champion: bool, classes: Sequence[str]) -> Case:
    values = {"dice": dice, "iou": dice, "confidence": 0.25 if id == "b" else 0.75, "ce_dice": 0.0}
    counts = Confusion(tp=0, fp=32, fn=0 if id == "empty" else 36, tn=0)
    scores = ClassScores(counts, values, values if champion else {})
    return Case(
        id=id,
        group=f"group {id}",
        source="",
        label="",
        classes=dict.fromkeys(classes, scores),
        prediction="predicted.png",
    )
