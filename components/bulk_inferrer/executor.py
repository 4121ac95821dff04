"""Artifact I/O of BulkInferrer."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.bulk_inferrer.answers import Place, kinds
from components.bulk_inferrer.settings import InferrerSettings
from components.bulk_inferrer.shards import AnswerShard
from components.inference.worker import raise_refusal
from components.records.splits import TEST
from components.records.tfexample import remove_unfinished, split_files


class Executor(BaseBeamExecutor):
    """Asks the model about each split, and about the test split as often as robustness is asked for."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = InferrerSettings.model_validate_json(exec_properties["settings"])
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"]))
        inference = artifact_utils.get_single_uri(output_dict["inference"])
        places = [Place(inference, split) for split in settings.splits]
        places += [Place(inference, TEST, under) for under in settings.robustness.asked]
        asked = [(place, shard) for place in places for shard in split_files(examples, place.split)]
        refusals = f"{inference}/refused"
        with self._make_beam_pipeline() as pipeline:
            _ = pipeline | beam.Create(asked, reshuffle=True) | beam.ParDo(AnswerShard(model, settings, refusals))
        raise_refusal(refusals)
        for kind in kinds(settings.mirror):
            remove_unfinished(f"{inference}/{kind}")
            # Beam runners have been seen to lose elements without an error (tensorflow/data-validation #247).
            if (written := sum(len(place.shards(kind)) for place in places)) != len(asked):
                raise RuntimeError(f"{len(asked)} shards went into Beam, {written} came out")
