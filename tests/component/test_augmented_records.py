"""Augmentor on the records of a folder: who is copied, what copies keep and that runs agree."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from splits_on_disk import Make, records, write_split
from tfx.types import Artifact, standard_artifacts

from components.augmentor.executor import Executor as Augmentor
from components.records.tfexample import parse, read_split, split_files
from pipeline.config.root import Config


class TestAugmentor:
    def test_the_test_split_stays_behind_and_eval_is_untouched(self, examples: Artifact, augmented: Artifact) -> None:
        assert json.loads(augmented.split_names) == ["train", "eval"]
        assert {path.name for path in Path(augmented.uri).iterdir()} == {"Split-train", "Split-eval"}
        pairs = zip(split_files(examples.uri, "eval"), split_files(augmented.uri, "eval"), strict=True)
        assert all(Path(one).read_bytes() == Path(other).read_bytes() for one, other in pairs)

    def test_every_train_record_and_two_copies_of_it(self, examples: Artifact, augmented: Artifact) -> None:
        originals = {record.id: record for record in records(examples)["train"]}
        found = {record.id: record for record in (parse(item) for item in read_split(augmented.uri, "train"))}
        assert set(found) == {f"{id}{copy}" for id in originals for copy in ("", "+1", "+2")}
        assert set(read_split(examples.uri, "train")) <= set(read_split(augmented.uri, "train"))
        for id, record in found.items():
            original = originals[id.partition("+")[0]]
            assert record.derived_from == ("" if id in originals else original.id)
            assert (record.group, record.source, record.source_sha256, record.label) == (
                *(original.group, original.source),
                *(original.source_sha256, original.label),
            )

    def test_copies_are_changed_and_their_masks_go_along(self, augmented: Artifact) -> None:
        found = {record.id: record for record in (parse(item) for item in read_split(augmented.uri, "train"))}
        copies = [record for record in found.values() if record.derived_from and record.mask.any()]
        assert len(copies) > 10
        assert not any(np.array_equal(copy.image, found[copy.derived_from].image) for copy in copies)
        for copy in copies:
            bright, truth = cv2.medianBlur(copy.image, 3) > 115, copy.mask > 0
            assert 2 * (bright & truth).sum() / (bright.sum() + truth.sum()) > 0.85

    def test_two_runs_are_identical_and_shards_change_nothing(
        self, config: Config, examples: Artifact, run_executor: Callable, artifact: Make, tmp_path: Path
    ) -> None:
        items = list(read_split(examples.uri, "train"))
        made = {}
        for name, shards, order in [("one", 1, 1), ("same", 1, 1), ("three", 3, -1)]:
            folder = tmp_path / name
            write_split(folder / "in", "train", items[::order], shards)
            shutil.copytree(f"{examples.uri}/Split-eval", folder / "in" / "Split-eval")
            source = artifact(standard_artifacts.Examples, folder / "in")
            made[name] = artifact(standard_artifacts.Examples, folder / "out")
            settings = config.augmentation
            run_executor(Augmentor, {"examples": source}, {"augmented_examples": made[name]}, settings=settings)
        [one], [same] = (split_files(made[name].uri, "train") for name in ("one", "same"))
        assert Path(one).read_bytes() == Path(same).read_bytes()
        assert len(split_files(made["three"].uri, "train")) == 3
        assert sorted(read_split(made["three"].uri, "train")) == sorted(read_split(made["one"].uri, "train"))
