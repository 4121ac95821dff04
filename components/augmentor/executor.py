"""Artifact I/O of Augmentor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apache_beam as beam
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.augmentor.settings import FoldTraining
from components.augmentor.shards import AugmentShard
from components.disk import ask_room
from components.imaging.augmentation.settings import Augmentation
from components.records.splits import fold_split, training_split
from components.records.tfexample import records_size, remove_unfinished, split_files


class Executor(BaseBeamExecutor):
    """Augments what is learnt from and hands on what is validated on as it is, a fold as both. The test split stays
    behind: what the trainer cannot read, it cannot learn from."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        source = artifact_utils.get_single_uri(input_dict["examples"])
        augmented = artifact_utils.get_single_instance(output_dict["augmented_examples"])
        settings = Augmentation.model_validate_json(exec_properties["settings"])
        given = exec_properties.get("folds")
        folds = FoldTraining.model_validate_json(given) if given else None
        learnt, validated = _splits(folds)
        shards = [(split, shard) for split, origin in learnt.items() for shard in split_files(source, origin)]
        # Of folds an unknown share without foreground is left out; blurred copies pack better.
        factor = 0 if folds else 1 + settings.copies / 2
        ask_room(Path(augmented.uri).parent, factor * records_size(path for _, path in shards), "the augmented records")
        with self._make_beam_pipeline() as pipeline:
            augment = AugmentShard(augmented.uri, settings, folds)
            _ = pipeline | beam.Create(shards, reshuffle=True) | beam.ParDo(augment)
        remove_unfinished(augmented.uri)
        written = [shard for split in learnt for shard in split_files(augmented.uri, split)]
        # Beam runners have been seen to lose elements without an error (tensorflow/data-validation #247).
        if len(written) != len(shards):
            raise RuntimeError(f"{len(shards)} shards went into Beam, {len(written)} came out")
        for split in validated:
            io_utils.copy_dir(f"{source}/Split-{split}", f"{augmented.uri}/Split-{split}")
        augmented.split_names = artifact_utils.encode_split_names([*learnt, *validated])
        examples_utils.set_payload_format(augmented, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)


def _splits(folds: FoldTraining | None) -> tuple[dict[str, str], list[str]]:
    """What is learnt from, by the split that it is made of; and what is validated on."""
    if folds is None:
        return {"train": "train"}, ["eval"]
    numbers = range(1, folds.k + 1)
    return {training_split(number): fold_split(number) for number in numbers}, [*map(fold_split, numbers)]
