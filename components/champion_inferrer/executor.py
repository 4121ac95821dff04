"""Artifact I/O of ChampionInferrer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import Artifact, artifact_utils
from tfx.utils import path_utils

from components.artifacts import ASKED_FILE, Asked
from components.bulk_inferrer.answers import PLAIN, Place
from components.champion_inferrer.core import incomparable
from components.champion_inferrer.settings import ChampionSettings
from components.files import write_json
from components.inference.predictor import Predictor
from components.inference.stored import stored_point
from components.records.sources import shard_sources
from components.records.splits import TEST
from components.records.tfexample import split_files
from components.serving_dir import CHAMPION_FILE, data_section
from components.state import broken_named

_DAMAGED = (
    "Run once with --no-cache, which copies the champion anew. If that does not help, the version served is damaged: "
    f"put it back, or delete {CHAMPION_FILE} to go on without a champion."
)


class Executor(BaseExecutor):
    """Asks the champion, where there is one that can be asked, about the test split."""

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        settings = ChampionSettings.model_validate_json(exec_properties["settings"])
        examples = artifact_utils.get_single_uri(input_dict["examples"])
        inference = Path(artifact_utils.get_single_uri(output_dict["inference"]))
        champion = artifact_utils.get_single_instance(input_dict["champion"])
        write_json(inference / ASKED_FILE, _ask(champion, examples, inference, settings))


def _ask(champion: Artifact, examples: str, inference: Path, settings: ChampionSettings) -> Asked:
    version, expected = champion.get_string_custom_property("version"), settings.task.channels
    if not version:
        return Asked(version=None, obstacle=None, operating_point=None)
    folder = Path(path_utils.serving_model_path(champion.uri))
    if obstacle := incomparable(data_section(folder), settings.derivation, settings.task):
        return Asked(version=version, obstacle=obstacle, operating_point=None)
    with broken_named(folder, _DAMAGED):
        predictor = Predictor(folder, settings.derivation)
    if predictor.channels != expected:
        obstacle = (
            f"it answers with {predictor.channels} probabilities for each pixel, not {expected}: it was made before"
        )
        return Asked(version=version, obstacle=obstacle, operating_point=None)
    point = stored_point(folder, _DAMAGED)
    for shard in split_files(examples, TEST):
        images = (source.image for source in shard_sources(shard))
        # As it is served: mirrored and with its temperature where that was chosen for it.
        with Place(str(inference), TEST).writer(PLAIN, shard) as write:
            for answer in predictor.answers(images):
                write(answer)
    return Asked(version=version, obstacle=None, operating_point=point.model_dump())
