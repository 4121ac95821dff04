"""`maskline registry`: an earlier model is served again, and what was rolled back is not pushed by the next run."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import numpy as np
import pytest
from pushing import push_model
from server import server
from tfx.types import Artifact
from typer.testing import CliRunner

from components.errors import UsageError
from components.files import write_json
from components.imaging.files.codecs import encode_png
from components.seen.known import learnt_by
from components.serving_dir import champion_version, read_manifest, versions
from components.state import BrokenState
from components.weights import model_sha256
from pipeline.cli.app import app
from pipeline.runs.registry.listing import listing
from pipeline.runs.registry.prune import prune, unneeded
from pipeline.runs.registry.rollback import rollback

pytestmark = pytest.mark.long
Do = Callable[[Artifact], Artifact]


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    return tmp_path / "serving"


@pytest.fixture
def do(
    run_executor: Callable,
    artifact: Callable[..., Artifact],
    serving: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Do:
    def run(model: Artifact) -> Artifact:
        return push_model(run_executor, artifact, serving, tmp_path_factory.mktemp("push"), model)

    return run


@pytest.fixture
def pushed(do: Do, model: Artifact, untrained: Artifact) -> list[str]:
    """A good version, and one that replaced it."""
    return [do(each).get_string_custom_property("pushed_version") for each in (model, untrained)]


def states(serving: Path) -> list[tuple[str, bool, bool]]:
    return [(row["version"], row["champion"], row["withdrawn"]) for row in listing(serving)]


def test_what_was_replaced_is_served_again_as_a_new_version(serving: Path, pushed: list[str]) -> None:
    good, bad = pushed
    told = rollback(serving.parent, None)
    assert champion_version(serving) == told["version"] == versions(serving)[-1]
    assert int(told["version"]) > int(bad)
    assert (told["rolled_back"], told["copy_of"], told["replaces"]) == (bad, good, None)
    assert model_sha256(serving / told["version"]) == model_sha256(serving / good)
    before, after = read_manifest(serving, good), read_manifest(serving, told["version"])
    assert after["withdrawn"] == [read_manifest(serving, bad)["model_sha256"]]
    assert {key for key in after if after.get(key) != before.get(key)} == {
        *("version", "pushed_at", "copy_of", "withdrawn")
    } - ({"pushed_at"} if after["pushed_at"] == before["pushed_at"] else set())
    assert states(serving) == [(told["version"], True, False), (bad, False, True), (good, False, False)]


def test_a_run_does_not_push_again_what_was_rolled_back(
    serving: Path, pushed: list[str], do: Do, untrained: Artifact, model: Artifact
) -> None:
    version = rollback(serving, None)["version"]
    kept_back = do(untrained)
    assert kept_back.get_int_custom_property("pushed") == 0
    assert kept_back.get_int_custom_property("refused") == 1
    assert kept_back.get_string_custom_property("reason").startswith("the candidate was rolled back before: ")
    assert champion_version(serving) == version
    assert do(model).get_string_custom_property("reason") == f"the candidate is the model served as version {version}"
    # A person may have been wrong.
    told = rollback(serving, pushed[1])
    assert read_manifest(serving, told["version"])["withdrawn"] == [read_manifest(serving, pushed[0])["model_sha256"]]
    assert do(untrained).get_int_custom_property("refused") == 0


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("7", r"has no version 7. There are \d+, \d+"),
        ("champion", "is served already, as version"),
        ("..", "no version"),
    ],
)
def test_what_cannot_be_served_again_is_said(serving: Path, pushed: list[str], to: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rollback(serving, pushed[1] if to == "champion" else to)
    assert versions(serving) == pushed


def test_going_back_twice_goes_further_back(serving: Path, pushed: list[str]) -> None:
    assert rollback(serving, None)["copy_of"] == pushed[0]
    with pytest.raises(UsageError, match="is the first, or does not say what it replaced"):
        rollback(serving, None)


def test_a_damaged_version_is_not_served_again(serving: Path, pushed: list[str]) -> None:
    weights = serving / pushed[0] / "variables" / "variables.data-00000-of-00001"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    with pytest.raises(BrokenState, match=pushed[0]):
        rollback(serving, None)
    assert champion_version(serving) == pushed[1]
    assert versions(serving) == pushed


def test_old_versions_go_and_what_is_served_stays(serving: Path, pushed: list[str], do: Do, model: Artifact) -> None:
    good, bad = pushed
    copy = rollback(serving, None)["version"]
    found = unneeded(serving, 1)
    assert {path.name for path in found.versions} == {good, bad}
    assert found.versions[serving / bad] == sum(
        path.stat().st_size for path in (serving / bad).rglob("*") if path.is_file()
    )
    prune(serving, 1, found)
    assert versions(serving) == [copy]
    assert champion_version(serving) == copy
    assert read_manifest(serving, copy)["withdrawn"]
    assert unneeded(serving, 1).size == 0
    assert sorted(path.name for path in serving.iterdir() if not path.name.startswith(".")) == sorted(
        [copy, "CHAMPION.json"]
    )
    # Named before a push, it is the champion by now.
    prune(serving, 1, replace(found, versions={serving / copy: 1}))
    assert versions(serving) == [copy]


def test_a_version_stays_from_whose_weights_another_went_on(serving: Path, pushed: list[str]) -> None:
    """What a champion has seen is told by the papers of all of them."""
    first, second = pushed
    manifest = serving / second / "MANIFEST.json"
    write_json(manifest, {**read_manifest(serving, second), "warm_starts": 1})
    assert unneeded(serving, 1).size == 0
    learnt = learnt_by(serving / second)
    assert (len(learnt.versions), learnt.lost) == (2, [])
    write_json(manifest, {**read_manifest(serving, second), "warm_starts": 0})
    assert {path.name for path in unneeded(serving, 1).versions} == {first}


def test_of_a_link_to_a_version_the_link_goes(serving: Path, pushed: list[str], tmp_path: Path) -> None:
    (serving / pushed[0]).rename(tmp_path / "elsewhere")
    (serving / pushed[0]).symlink_to(tmp_path / "elsewhere")
    prune(serving, 1, unneeded(serving, 1))
    assert versions(serving) == pushed[1:]
    assert (tmp_path / "elsewhere" / "saved_model.pb").is_file()
    assert [path.name for path in serving.glob(".unfinished-*")] == []


def test_nothing_goes_where_there_is_nobody_to_ask(serving: Path, pushed: list[str]) -> None:
    answer = CliRunner().invoke(app, ["registry", "prune", str(serving), "--keep", "1"])
    assert answer.exit_code == 2
    assert "there is nobody to ask. Give --yes" in answer.output + (answer.stderr or "")
    assert versions(serving) == pushed
    answer = CliRunner().invoke(app, ["registry", "prune", str(serving), "--keep", "1", "--yes"])
    assert answer.exit_code == 0
    assert "1 versions, 0 artifacts" in answer.output
    assert versions(serving) == pushed[1:]


def test_killed_in_the_middle_no_half_version_has_a_number(
    serving: Path, pushed: list[str], do: Do, model: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(path: Path) -> None:
        (path / "saved_model.pb").unlink()
        raise KeyboardInterrupt

    found = unneeded(serving, 1)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            prune(serving, 1, found)
    assert versions(serving) == pushed[1:]
    assert do(model).get_int_custom_property("pushed") == 1
    assert not list(serving.glob(".unfinished-*"))


def test_a_rollback_beneath_its_clients_fails_no_request(serving: Path, pushed: list[str]) -> None:
    first, second = (serving / version / "assets.extra/training.json" for version in pushed)
    # One that is not trained does not say for what.
    shutil.copy(first, second)
    served = serving / pushed[1]
    write_json(served / "MANIFEST.json", {**read_manifest(serving, pushed[1]), "model_sha256": model_sha256(served)})
    content, ended = encode_png(np.arange(40 * 40, dtype=np.uint8).reshape(40, 40)), Event()

    def client(url: str) -> list[tuple[int, str]]:
        seen = []
        with httpx.Client(timeout=60) as connection:
            while not ended.is_set():
                answer = connection.post(f"{url}/answer", content=content)
                seen.append((answer.status_code, answer.headers.get("model-version", "")))
        return seen

    with server(serving, "--waiting", 8) as served, ThreadPoolExecutor(8) as threads:
        clients = [threads.submit(client, served.url) for _ in range(8)]
        version = rollback(serving, None)["version"]
        try:
            for _ in range(600):
                if httpx.get(f"{served.url}/v2/models/maskline").json()["versions"] == [version]:
                    break
                time.sleep(0.1)
            time.sleep(0.5)
        finally:
            ended.set()
        seen = [each.result() for each in clients]
    assert {status for each in seen for status, _ in each} == {200}
    for each in seen:
        versions_seen = [version for _, version in each]
        assert versions_seen == sorted(versions_seen, key=int)
        assert (versions_seen[0], versions_seen[-1]) == (pushed[1], version)


def test_the_verbs_say_what_is_served(serving: Path, pushed: list[str]) -> None:
    def call(*arguments: Any) -> str:
        answer = CliRunner().invoke(app, ["registry", *map(str, arguments)])
        assert answer.exit_code == 0, answer.output
        return answer.output

    assert "is served, the model of version " + pushed[0] in call("rollback", serving)
    newest, bad, good = (line for line in call("list", serving).splitlines() if "tests" in line)
    assert f"served, copy of {pushed[0]}" in newest
    assert "0.800" in good
    assert "rolled back" in bad
    assert json.loads(call("show", serving, "--json"))["copy_of"] == pushed[0]
    assert f"version: {pushed[1]}" in call("show", serving, "--version", pushed[1])


def test_where_nothing_was_pushed_that_is_said(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["registry", "list", str(tmp_path)])
    assert answer.exit_code == 2
    assert "holds no CHAMPION.json, so nothing was pushed there" in answer.output + (answer.stderr or "")
