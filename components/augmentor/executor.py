"""Artifact I/O of Augmentor."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from tfx.components.util import examples_utils
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.augmentor.shards import AugmentShard
from components.imaging.augmentation.settings import Augmentation
from components.records.tfexample import remove_unfinished, split_files


class Executor(BaseBeamExecutor):
    """Augments the train split and hands on the eval split as it is. The test split stays behind:
    what the trainer cannot read, it cannot learn from."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        source = artifact_utils.get_single_uri(input_dict["examples"])
        augmented = artifact_utils.get_single_instance(output_dict["augmented_examples"])
        settings = Augmentation.model_validate_json(exec_properties["settings"])
        shards = split_files(source, "train")
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | beam.Create(shards, reshuffle=True) | beam.ParDo(AugmentShard(augmented.uri, settings))
        remove_unfinished(augmented.uri)
        written = split_files(augmented.uri, "train")
        # Beam runners have been seen to lose elements without an error (tensorflow/data-validation #247).
        if len(written) != len(shards):
            raise RuntimeError(f"{len(shards)} shards went into Beam, {len(written)} came out")
        io_utils.copy_dir(f"{source}/Split-eval", f"{augmented.uri}/Split-eval")
        augmented.split_names = artifact_utils.encode_split_names(["train", "eval"])
        examples_utils.set_payload_format(augmented, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE)
