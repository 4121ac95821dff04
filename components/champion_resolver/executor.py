"""Artifact I/O of ChampionResolver."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.serving_dir import champion_version, check_files, content_sha256
from components.state import BrokenState
from components.weights import check_weights


class Executor(BaseExecutor):
    """Copies the champion, so that a later prune of the serving folder cannot take it away from under a run.

    One that is not what was pushed stops the run. The artifact's property `version` is empty, and so is its folder,
    where nothing has been pushed yet.
    """

    def Do(self, input_dict: dict, output_dict: dict, exec_properties: dict[str, Any]) -> None:
        serving = Path(exec_properties["serving_dir"])
        champion = artifact_utils.get_single_instance(output_dict["champion"])
        version = exec_properties.get("champion_version")
        if version is None:
            version = champion_version(serving) or ""
        champion.set_string_custom_property("version", version)
        if version:
            check_files(serving / version)
            check_weights(serving / version)
            copy = Path(path_utils.serving_model_dir(champion.uri))
            shutil.copytree(serving / version, copy)
            expected = exec_properties.get("champion_content")
            if expected and content_sha256(copy) != expected:
                raise BrokenState(f"{serving / version}: its files have changed since the run began. Run again.")
