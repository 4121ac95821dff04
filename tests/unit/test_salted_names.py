"""Names that are salted in what goes with a version: none is told, and all who read them know as much as before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from components.data_gate.core import read_champion
from components.data_gate.learnt import learnt_by_champion
from components.errors import UsageError
from components.example_gen.memory import held_out
from components.files import read_json, write_json
from components.pusher.disclosure import disclose, disclosed_metrics, disclosed_provenance
from components.pusher.settings import Disclosure, PusherSettings
from components.seen.known import learnt_by
from components.seen.names import make_salt
from components.serving_push import push
from pipeline.cli.app import app
from pipeline.config.loader import parse_config
from pipeline.runs.check import check_config
from pipeline.runs.seen import seen_samples
from pipeline.schedule.retraining import new_cases

CONFIG = parse_config(
    {
        "data": {
            **{"layout": "folders", "height": 32, "width": 32, "spans": 1},
            "groups": {"by": "pattern", "pattern": r"(p\d+)_"},
        },
        "training": {"epochs": 1},
    },
    "tests",
)
DATA = CONFIG.records


@pytest.fixture
def root(tmp_path: Path, write_pairs: Callable[..., Path]) -> Path:
    write_pairs(tmp_path / "data/span-1", patients=6)
    write_pairs(tmp_path / "data/span-2", patients=12)
    (tmp_path / "data/span-2/images/p03_a.png").write_bytes(b"no image")
    return tmp_path / "data"


@pytest.fixture
def report(root: Path) -> dict[str, Any]:
    return check_config(root, CONFIG)


def serve(folder: Path, report: dict[str, Any], salt: str) -> Path:
    """A serving folder, with a version that the report was made for; what it predicts is no matter here."""
    for name in ("papers", "made", "model", "serving"):
        (folder / name).mkdir(parents=True)
    write_json(folder / "papers/split_report.json", report)
    asked = Disclosure(signatures="none", salt=salt)
    papers = disclose(folder / "papers", folder / "made", asked, folder / "serving")
    config = CONFIG.model_dump(mode="json")
    config["data"]["splits"]["test_groups"] = ["p01"]
    config["evaluation"]["limits"] = [{"measure": "dice", "slice": "folder=MEIER_1957", "at_least": 0.5}]
    settings = PusherSettings(recipe="tests", notice="", config=config, disclosure=asked)
    sentence = "Dice (folder=MEIER_1957) is defined for no test case"
    metrics = {"slices": {"folder=MEIER_1957": {}, "label=a": {}}, "limits": [{"slice": None, "sentence": sentence}]}
    manifest = disclosed_provenance(settings, folder / "serving")
    manifest["metrics"] = disclosed_metrics(metrics, asked, folder / "serving")
    push(folder / "model", folder / "serving", manifest, *papers)
    return folder / "serving"


@pytest.fixture
def plain(report: dict[str, Any], tmp_path: Path) -> Path:
    return serve(tmp_path / "plain", report, "")


@pytest.fixture
def salted(report: dict[str, Any], tmp_path: Path) -> Path:
    return serve(tmp_path / "salted", report, str(tmp_path / "private/salt"))


def version_of(serving: Path) -> Path:
    return serving / read_json(serving / "CHAMPION.json")["version"]


def test_no_name_is_told(plain: Path, salted: Path, tmp_path: Path) -> None:
    def papers(serving: Path) -> str:
        return "".join((version_of(serving) / name).read_text() for name in ("split_report.json", "MANIFEST.json"))

    assert all(name in papers(plain) for name in ('"p01"', "p03_a", "p11_b", "span-2/images", "MEIER_1957"))
    assert not any(name in papers(salted) for name in ('"p01"', "p03_a", "p11_b", "span-2/images", "MEIER_1957"))
    salt = tmp_path / "private/salt"
    assert salt.stat().st_mode & 0o077 == 0
    assert salt.read_text().strip() not in papers(salted)
    # What drift and the gate compare stays.
    rows = [read_json(version_of(serving) / "split_report.json")["records"] for serving in (plain, salted)]
    kept = [sorted((row["sha256"], row["split"], row["mean"]) for row in each) for each in rows]
    assert kept[0] == kept[1]
    assert len({row["group"] for row in rows[1]}) == len({row["group"] for row in rows[0]})


def test_whoever_read_names_knows_as_much(root: Path, plain: Path, salted: Path, write_pairs: Callable) -> None:
    write_pairs(root / "span-3", patients=16)
    for served in (plain, salted):
        # What was left out with an older span may have been learnt before; a reject is no new case.
        report = read_json(version_of(served) / "split_report.json")
        assert len(report["left_out"]) > 0
        assert len(report["rejects"]) == 1
    found = [held_out(root, DATA, serving) for serving in (plain, salted)]
    assert found[0] == found[1]
    assert new_cases(root, DATA, plain) == new_cases(root, DATA, salted) > 0


def test_the_test_split_is_remembered_by_names_alone(root: Path, report: dict[str, Any], tmp_path: Path) -> None:
    """Where images are called otherwise now, by their groups."""
    rows = [{"group": "p01", "split": "test"}, {"group": "p08", "split": "train"}, {"group": "p04", "split": "train"}]
    known = {**report, "records": rows, "left_out": []}
    found = [
        held_out(root, DATA, serve(tmp_path / name, known, salt))
        for name, salt in (("plain", ""), ("salted", str(tmp_path / "salt")))
    ]
    assert found[0] is not None
    assert found[0] == found[1]


def test_learnt_groups_are_found_in_test(root: Path, salted: Path) -> None:
    from gate_entries import entry

    champion = read_champion(version_of(salted), "7")
    learnt = next(row["group"] for row in check_config(root, CONFIG)["records"] if row["split"] == "train")
    entries = [entry(1, "test", group=learnt, sha256="00"), entry(2, "test", group="new", sha256="01")]
    found = list(learnt_by_champion(entries, champion.records, "7", champion.names, warm_start=True))
    assert found[0].count == 1
    assert not list(learnt_by_champion(entries[1:], champion.records, "7", champion.names, warm_start=True))


def test_without_the_salt_nothing_is_guessed(root: Path, salted: Path, tmp_path: Path) -> None:
    version, salt = version_of(salted), tmp_path / "private/salt"
    image = str(root / "span-2/images/p00_a.png")
    own = learnt_by(version)
    assert not own.without_groups
    kept = salt.read_text()
    for broken, said in ((None, "cannot be read"), ("ab" * 32, "another salt"), ("none", "no salt")):
        salt.unlink()
        if broken:
            salt.write_text(broken)
        for read in (lambda: held_out(root, DATA, salted), lambda: read_champion(version, "7")):
            with pytest.raises(UsageError, match=said):
                read()
        salt.touch()
    salt.unlink()
    # Who was given the model can still ask for pixels.
    assert learnt_by(version).without_groups
    result = CliRunner().invoke(app, ["seen", str(version), image, "--json"])
    assert result.exit_code == 4
    [match] = json.loads(result.stdout)["images"][0]["matches"]
    assert "p00" not in match["source"] + match["group"]
    salt.write_text(kept)
    assert not learnt_by(version).without_groups


def test_groups_are_compared_by_who_has_the_salt(root: Path, salted: Path, tmp_path: Path) -> None:
    from components.example_gen.listing import list_grouped
    from components.seen.query import Query

    listing, _ = list_grouped(root, DATA)
    asked = [(sample, Query((), ())) for sample in listing.samples if sample.image == "span-2/images/p00_a.png"]
    [row] = seen_samples(asked, learnt_by(version_of(salted)))
    assert row["matches"][0]["by"] == "same group"
    (tmp_path / "private/salt").unlink()
    assert seen_samples(asked, learnt_by(version_of(salted))) == []


def test_a_salt_among_the_models_is_refused(report: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies in the serving folder, which goes to others"):
        serve(tmp_path / "one", report, str(tmp_path / "one/serving/salt"))


def test_a_salt_is_made_once(tmp_path: Path) -> None:
    names = make_salt(tmp_path / "below/salt")
    assert make_salt(tmp_path / "below/salt") == names
    assert names("p01") == names("p01") != names("p02")
    assert names("") == ""
    assert {path.name for path in (tmp_path / "below").iterdir()} == {"salt"}
