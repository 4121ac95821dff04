"""ChampionResolver and Pusher on real artifacts and a real serving folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest
import tensorflow as tf
from pushing import COST, push_model
from tfx.types import Artifact, standard_artifacts
from tfx.utils import path_utils

from components.champion_resolver.executor import Executor as ChampionResolver
from components.errors import UsageError
from components.inference.model import load_model
from components.inference.operating_point import OperatingPoint
from components.pusher.settings import SignatureDetail
from components.records.settings import Derivation
from components.seen.prints import COARSE_SIDE, SIGNATURES_FILE, read_prints
from components.serving_dir import champion_version, read_manifest
from components.serving_graph.export import Windows, export_model
from components.serving_push import push
from components.task import Task
from components.weights import model_sha256

Make = Callable[..., Artifact]


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    return tmp_path / "serving"


@pytest.mark.parametrize("known", [True, False], ids=["known at the start", "read when it runs"])
class TestChampionResolver:
    @pytest.fixture(autouse=True)
    def _when(self, known: bool) -> None:
        self.known = known

    def resolve(self, run_executor: Callable, artifact: Make, serving: Path, folder: Path) -> Artifact:
        champion = artifact(standard_artifacts.Model, folder / "champion")
        parameters = {"champion_version": champion_version(serving) or ""} if self.known else {}
        run_executor(ChampionResolver, {}, {"champion": champion}, serving_dir=str(serving), **parameters)
        return champion

    def test_nothing_pushed(self, run_executor: Callable, artifact: Make, serving: Path, tmp_path: Path) -> None:
        champion = self.resolve(run_executor, artifact, serving, tmp_path)
        assert champion.get_string_custom_property("version") == ""
        assert list(Path(champion.uri).iterdir()) == []

    def test_the_served_version_is_copied_not_the_highest(
        self,
        run_executor: Callable,
        artifact: Make,
        serving: Path,
        tmp_path: Path,
        model: Artifact,
        untrained: Artifact,
    ) -> None:
        served = Path(path_utils.serving_model_path(model.uri))
        serving.mkdir()
        version = push(served, serving, {})
        higher = push(Path(path_utils.serving_model_path(untrained.uri)), serving, {})
        (serving / "CHAMPION.json").write_text(json.dumps({"version": version}))
        assert int(higher) > int(version)
        champion = self.resolve(run_executor, artifact, serving, tmp_path)
        assert champion.get_string_custom_property("version") == version
        shutil.rmtree(serving)
        copied = path_utils.serving_model_path(champion.uri)
        assert model_sha256(Path(copied)) == model_sha256(served)
        assert "serving_default" in tf.saved_model.load(copied).signatures


@pytest.fixture
def version(serving: Path, model: Artifact) -> Path:
    """The folder of a version whose manifest tells its weights."""
    served = Path(path_utils.serving_model_path(model.uri))
    serving.mkdir()
    return serving / push(served, serving, {"model_sha256": model_sha256(served)})


@pytest.mark.parametrize("damage", ["a byte", "cut short", "another's", "no index", "other training"])
def test_a_champion_that_is_not_what_was_pushed_stops_the_run(
    run_executor: Callable, artifact: Make, version: Path, tmp_path: Path, untrained: Artifact, damage: str
) -> None:
    break_weights(version, damage, Path(path_utils.serving_model_path(untrained.uri)))
    champion = artifact(standard_artifacts.Model, tmp_path / "champion")
    with pytest.raises(UsageError, match=rf"^{version}\b.*delete CHAMPION.json to go on without"):
        run_executor(ChampionResolver, {}, {"champion": champion}, serving_dir=str(version.parent))
    with pytest.raises(UsageError, match=rf"^{version}\b.*Copy the whole folder anew"):
        load_model(version.parent)


def test_one_that_was_pushed_before_its_weights_were_told_is_not_looked_at(
    run_executor: Callable, artifact: Make, version: Path, tmp_path: Path, untrained: Artifact
) -> None:
    (version / "MANIFEST.json").write_text('{"version": "7"}')
    break_weights(version, "another's", Path(path_utils.serving_model_path(untrained.uri)))
    champion = artifact(standard_artifacts.Model, tmp_path / "champion")
    run_executor(ChampionResolver, {}, {"champion": champion}, serving_dir=str(version.parent))
    assert champion.get_string_custom_property("version") == version.name


def break_weights(folder: Path, damage: str, other: Path) -> None:
    """Makes the weights of a version others than those that were pushed."""
    data = folder / "variables" / "variables.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    if damage == "a byte":
        content[len(content) // 3] ^= 16
        data.write_bytes(content)
    elif damage == "cut short":
        data.write_bytes(content[: len(content) // 2])
    elif damage == "another's":
        shutil.copytree(other / "variables", folder / "variables", dirs_exist_ok=True)
    elif damage == "no index":
        (folder / "variables" / "variables.index").unlink()
    else:
        (folder / "assets.extra" / "training.json").write_text('{"config": {}}')


KILLED_PUSH = """
import os, signal, sys
from pathlib import Path
from components.serving_push import push

event, count = sys.argv[3], int(sys.argv[4])

def kill(name, arguments):
    global count
    if name == event:
        count -= 1
        if not count:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
push(Path(sys.argv[1]), Path(sys.argv[2]), {})
"""


class TestPusher:
    @pytest.fixture
    def do(
        self, run_executor: Callable, artifact: Make, serving: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> Callable[..., Artifact]:
        def run(model: Artifact, *blessed: int, **given: Any) -> Artifact:
            return push_model(
                run_executor, artifact, serving, tmp_path_factory.mktemp("push"), model, *blessed, **given
            )

        return run

    @pytest.mark.parametrize(("blessed", "infra_blessed"), [(0, 1), (1, 0), (0, 0)])
    def test_what_is_not_blessed_stays_out(
        self, do: Callable[..., Artifact], model: Artifact, serving: Path, blessed: int, infra_blessed: int
    ) -> None:
        pushed = do(model, blessed, infra_blessed)
        assert pushed.get_int_custom_property("pushed") == 0
        assert pushed.get_string_custom_property("reason") == "the candidate is not blessed"
        assert not serving.exists()

    def test_first_push(self, do: Callable[..., Artifact], model: Artifact, serving: Path) -> None:
        pushed = do(model)
        version = pushed.get_string_custom_property("pushed_version")
        assert pushed.get_int_custom_property("pushed") == 1
        assert pushed.get_string_custom_property("pushed_destination") == str(serving / version)
        assert champion_version(serving) == version
        source = Path(path_utils.serving_model_path(model.uri))
        assert model_sha256(serving / version) == model_sha256(source)
        manifest = read_manifest(serving, version)
        assert manifest.pop("pushed_at")
        assert manifest == {
            **{
                "version": version,
                "run": "run-1",
                "recipe": "tests",
                "notice": "phantoms",
                "config": {},
                "replaces": None,
                "withdrawn": [],
            },
            **{
                "model_sha256": model_sha256(source),
                "metrics": {"dice": {"mean": 0.8}, "champion": None, "reasons": []},
            },
            **{
                "data_fingerprint": "f00",
                "start": "cold: [training] warm_start = false",
                "warm_starts": 0,
                "weights": None,
                "members": 1,
                "engines": {},
                "cost": COST,
            },
        }
        assert {path.name for path in serving.glob("[!.]*")} == {version, "CHAMPION.json"}

    def test_the_served_model_is_not_pushed_again(
        self, do: Callable[..., Artifact], model: Artifact, serving: Path
    ) -> None:
        version = do(model).get_string_custom_property("pushed_version")
        again = do(model)
        assert again.get_int_custom_property("pushed") == 0
        assert again.get_string_custom_property("reason") == f"the candidate is the model served as version {version}"
        assert {path.name for path in serving.glob("[!.]*")} == {version, "CHAMPION.json"}

    @pytest.mark.parametrize(("form", "side"), [("full", 64), ("coarse", COARSE_SIDE), ("none", None)])
    def test_of_the_images_goes_with_a_version_what_is_asked_for(
        self, do: Callable[..., Artifact], model: Artifact, serving: Path, form: SignatureDetail, side: int | None
    ) -> None:
        pushed = do(model, form=form)
        signatures = serving / pushed.get_string_custom_property("pushed_version") / SIGNATURES_FILE
        assert signatures.is_file() == (side is not None)
        if side:
            assert read_prints(signatures, "").values.shape == (1, side, side)

    def test_a_damaged_model_is_not_said_to_be_served(
        self, do: Callable[..., Artifact], model: Artifact, untrained: Artifact, serving: Path
    ) -> None:
        folder = serving / do(model).get_string_custom_property("pushed_version")
        break_weights(folder, "another's", Path(path_utils.serving_model_path(untrained.uri)))
        with pytest.raises(UsageError, match=rf"^{folder}\b.*delete CHAMPION.json to go on without"):
            do(model)
        # Another one takes its place.
        assert do(untrained).get_int_custom_property("pushed") == 1

    def test_another_export_of_the_same_weights_is_not_pushed(
        self,
        do: Callable[..., Artifact],
        own: Artifact,
        model: Artifact,
        derivation: Derivation,
        artifact: Make,
        tmp_path: Path,
    ) -> None:
        source = Path(path_utils.serving_model_path(model.uri))
        again = artifact(standard_artifacts.Model, tmp_path / "again")
        exported = Path(path_utils.serving_model_dir(again.uri))
        network = Windows(Path(path_utils.serving_model_path(own.uri)))
        export_model(network, exported, Task(), OperatingPoint(), derivation)
        shutil.copytree(source / "assets.extra", exported / "assets.extra")
        assert (exported / "saved_model.pb").read_bytes() != (source / "saved_model.pb").read_bytes()
        version = do(model).get_string_custom_property("pushed_version")
        reason = do(again).get_string_custom_property("reason")
        assert reason == f"the candidate is the model served as version {version}"

    def test_another_model_replaces_the_champion_in_the_same_second(
        self, do: Callable[..., Artifact], model: Artifact, untrained: Artifact, serving: Path
    ) -> None:
        versions = [do(item).get_string_custom_property("pushed_version") for item in (model, untrained, model)]
        assert [int(version) for version in versions] == sorted({int(version) for version in versions})
        assert champion_version(serving) == versions[-1]
        assert [read_manifest(serving, version)["replaces"] for version in versions] == [None, *versions[:-1]]

    def test_a_candidate_compared_with_another_champion_is_not_pushed(
        self, do: Callable[..., Artifact], model: Artifact, untrained: Artifact, serving: Path
    ) -> None:
        version = do(model).get_string_custom_property("pushed_version")
        late = do(untrained, compared_with="1")
        assert late.get_int_custom_property("pushed") == 0
        assert late.get_int_custom_property("refused") == 1
        expected = f"the champion is now {version}, the candidate was compared with 1: run again"
        assert late.get_string_custom_property("reason") == expected
        assert champion_version(serving) == version

    @pytest.mark.parametrize(
        ("event", "count"),
        [("shutil.copyfile", 3), ("os.rename", 1), ("os.rename", 2), ("os.rename", 3)],
        ids=["copying", "before the manifest", "before the pointer names it", "before the version appears"],
    )
    def test_a_killed_push_leaves_the_old_champion_and_the_next_one_works(
        self, do: Callable[..., Artifact], model: Artifact, untrained: Artifact, serving: Path, event: str, count: int
    ) -> None:
        old = do(model).get_string_custom_property("pushed_version")
        before = model_sha256(serving / old), read_manifest(serving, old)
        candidate = Path(path_utils.serving_model_path(untrained.uri))
        arguments = [sys.executable, "-c", KILLED_PUSH, str(candidate), str(serving), event, str(count)]
        assert subprocess.run(arguments, check=False).returncode == -SIGKILL

        assert champion_version(serving) == old
        assert (model_sha256(serving / old), read_manifest(serving, old)) == before
        # A version that can be seen is whole: TensorFlow Serving would load it.
        seen = {path.name for path in serving.iterdir() if path.name.isdigit()}
        assert all(model_sha256(serving / name) == model_sha256(candidate) for name in seen - {old})

        version = do(untrained).get_string_custom_property("pushed_version")
        assert champion_version(serving) == version
        assert model_sha256(serving / version) == model_sha256(candidate)
        assert read_manifest(serving, version)["replaces"] == old
        assert not list(serving.glob(".unfinished*"))
