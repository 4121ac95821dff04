"""The report of a run for those who must not know names: greps for the originals in all that is written."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from report_inputs import METRICS, SPLIT_REPORT, Outputs, Page, score
from told import told_by

from components.files import write_json
from components.seen.names import Names

NAMES = Names(b"a secret")
DICE = {"meier-anna-left": 0.4, "meier-anna-right": 0.7, "SCHULZ_1931/7": 0.9}
CONFIG = {
    "data": {
        "layout": "folders",
        "images": "KLINIK-A",
        "input": "/data/KLINIK-A",
        "splits": {"test_groups": ["WOLF_2"]},
    },
    "training": {"epochs": 3},
    "serving": {"destination": "/srv/KLINIK-A"},
}
TELLING = [*DICE, "WOLF_2", "torn-xaver", "identical pixels within a split (1): x.pgm", "KLINIK-A", "/srv/", "ONKO_3"]
SLICES = {"folder=ONKO_3": {"dice": score(0.75, 0.75, 2)}, "label=benign": {"dice": score(0.5, 0.5, 2)}}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The report as it is, and without names."""
    root = tmp_path_factory.mktemp("reports")
    (root / "run").mkdir()
    outputs = Outputs(root / "run")
    rows = [
        {"id": id, "group": f"group {id}", "source": f"ONKO_3/{id}.png", "split": "test", "sha256": str(place)}
        for place, id in enumerate(DICE)
    ]
    rejects = [{"source": "ONKO_3/torn-xaver.png", "kind": "unreadable", "reason": "torn-xaver.png.xml: no image"}]
    report = {**SPLIT_REPORT, "records": rows, "rejects": rejects}
    write_json(outputs.root / "split_report/split_report.json", report)
    outputs.write_examples(np.arange(32 * 32, dtype=np.uint16).reshape(32, 32).astype(np.uint8), *DICE)
    outputs.warn_of_the_training("meier-anna-left was not read from /srv/KLINIK-A/x.png")
    outputs.add_strips(*DICE)
    metrics = METRICS | {"slices": SLICES}
    outputs.report(metrics, DICE, config=CONFIG, pushed_version="7", pushed_destination="/srv/KLINIK-A/7")
    plain, hidden = root / "plain", root / "hidden"
    plain.mkdir()
    for name in ("report.html", "report.json", "doubtful.csv", "evaluation/per_case.csv"):
        shutil.copy(outputs.root / name, plain)
    outputs.anonymous(hidden, NAMES)
    return {"plain": plain, "hidden": hidden}


def test_none_of_the_names_is_in_any_file(folders: dict[str, Path]) -> None:
    plain, hidden = told_by(folders["plain"]), told_by(folders["hidden"])
    for name in TELLING:
        assert name.encode() in plain, name
        assert name.encode() not in hidden, name


def test_a_case_has_one_id_everywhere(folders: dict[str, Path]) -> None:
    hidden = folders["hidden"]
    page = Page((hidden / "report.html").read_text(encoding="utf-8"))
    ids = {NAMES(id) for id in DICE}
    alts = " ".join(str(image["alt"]) for image in page.attributes("img"))
    assert all(id in alts and id in page.text for id in ids)
    for name in ("doubtful.csv", "per_case.csv"):
        with (hidden / name).open(newline="", encoding="utf-8") as file:
            assert ids <= {row["id"] for row in csv.DictReader(file)}
    sheet = json.loads((hidden / "report.json").read_text(encoding="utf-8"))
    assert ids <= {each["id"] for each in sheet["doubtful"]}


def test_what_is_measured_stays(folders: dict[str, Path]) -> None:
    plain, hidden = (Page((folder / "report.html").read_text("utf-8")).text for folder in folders.values())
    for said in ("label=benign", "0.612", "1,234,567 parameters", "✓ Pushed as version 7", '"layout": "folders"'):
        assert (said in plain, said in hidden) == (True, True), said
    assert f"{NAMES('ONKO_3/torn-xaver.png')} unreadable" in hidden
    assert "Predictions over the epochs" in hidden


def test_who_guesses_names_is_not_told_by_a_hash(folders: dict[str, Path]) -> None:
    """Of what holds names; the model's is as it was: by that it is known."""
    plain, hidden = (
        json.loads((folder / "report.json").read_text())["lineage"]["papers"] for folder in folders.values()
    )
    assert hidden["model"] == plain["model"]
    named = [name for name in plain if hidden[name]["sha256"] != plain[name]["sha256"]]
    assert {"account.json", "split_report.json", "per_case.csv", "config"} <= set(named)
