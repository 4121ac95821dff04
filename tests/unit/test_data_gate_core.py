"""What the data gate finds in the records of a run beside leaks, and what it writes down."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gate_entries import ACCOUNT, CLEAN, DATA, SETTINGS, entry

from components.data_gate.core import Champion, read_champion, split_report
from components.data_gate.entries import Entry
from components.example_gen.settings import DataSettings
from components.imaging.adjust import Adjust
from components.imaging.truth.settings import Mask
from components.records.settings import Tiles
from components.serving_dir import MANIFEST_FILE, SPLIT_REPORT_FILE

THREE = DATA.model_copy(update={"classes": ["tumour", "stroma", "vessel"]})


def report(
    entries: Sequence[Entry],
    account: Mapping[str, Any] | None = None,
    anomalies: Mapping[str, Sequence[str]] | None = None,
    champion: Champion | None = None,
    data: DataSettings = DATA,
    warm_start: bool = False,
) -> dict[str, Any]:
    account = {**ACCOUNT, **(account or {})}
    gate = SETTINGS.model_copy(update={"warm_start": warm_start})
    return split_report(entries, account, anomalies or {}, gate, lambda *_: [], data, champion)


def problem(entries: Sequence[Entry], *args: Any) -> tuple[str, int, str]:
    """Kind, count and message of the only problem; notes are not looked at."""
    [found] = report(entries, *args)["problems"]
    return found["kind"], found["count"], found["message"]


def note(entries: Sequence[Entry], *args: Any, **kwargs: Any) -> tuple[str, int, str]:
    """Kind, count and message of the only note; there are no problems."""
    found = report(entries, *args, **kwargs)
    assert found["problems"] == []
    [only] = found["notes"]
    return only["kind"], only["count"], only["message"]


def within(split: str, **changes: Any) -> list[Entry]:
    """The clean records, those of one split changed."""
    return [entry(number, old.split, **(changes if old.split == split else {})) for number, old in enumerate(CLEAN)]


def test_no_false_alarm() -> None:
    found = report(CLEAN)
    assert found["problems"] == found["notes"] == []
    assert found["drift"] is None


@pytest.mark.parametrize("split", ["train", "eval", "test"])
def test_an_empty_split(split: str) -> None:
    kind, count, message = problem([entry for entry in CLEAN if entry.split != split])
    assert (kind, count) == ("empty split", 1)
    assert f"split {split} has no record. Add data" in message


def test_no_record_at_all() -> None:
    kind, count, message = problem([])
    assert (kind, count) == ("empty split", 3)
    assert "split train has no record; split eval has no record; split test has no record." in message


def test_a_split_of_one_patient() -> None:
    kind, count, message = problem(within("test", group="one"))
    assert (kind, count) == ("small split", 1)
    assert "than [validation] min_groups = 2: split test has 1. Add data" in message


def test_a_split_without_foreground() -> None:
    found = report(within("eval", foreground=0.0, classes=(0,)))
    [stop] = found["problems"]
    assert stop["kind"] == "no foreground"
    assert "split eval has no foreground in any mask. Look at the masks" in stop["message"]
    assert [item["kind"] for item in found["notes"]] == ["empty masks"]


def rejects(count: int) -> list[dict[str, str]]:
    return [{"source": f"images/bad{n}.png", "kind": "unreadable", "reason": f"fault {n}"} for n in range(count)]


@pytest.mark.parametrize(("rejected", "stops"), [(0, False), (5, False), (6, True)])
def test_rejects_up_to_the_limit(rejected: int, stops: bool) -> None:
    """5 of 100 are the 5 % that are allowed."""
    account = {"sources": 100, "rejects": rejects(rejected)}
    assert bool(report(CLEAN, account)["problems"]) is stops
    assert report(CLEAN, account)["rejects"] == account["rejects"]
    if stops:
        kind, count, message = problem(CLEAN, account)
        assert (kind, count) == ("rejects", 6)
        assert "6 of 100 sources are unusable, [validation] max_reject_fraction allows 5%: " in message
        assert "images/bad0.png: fault 0; images/bad1.png: fault 1; images/bad2.png: fault 2; and 3 more. " in message


def test_an_anomaly_names_its_split() -> None:
    kind, count, message = problem(CLEAN, None, {"train": [], "test": ["image/std: out of range", "x: y."]})
    assert (kind, count) == ("anomaly", 2)
    assert "split test: image/std: out of range; split test: x: y. The records in" in message


def test_problems_come_in_the_order_of_their_weight() -> None:
    entries = [entry for entry in CLEAN if entry.split != "eval"]
    entries.append(entry(99, "test", group="patient0", sha256=CLEAN[0].sha256))
    found = report(entries, {"sources": 2, "rejects": rejects(1)}, {"test": ["x"]})
    kinds = [item["kind"] for item in found["problems"]]
    assert kinds == ["group overlap", "identical pixels", "rejects", "empty split", "anomaly"]


def test_masks_without_foreground_are_counted() -> None:
    kind, count, message = note([*CLEAN, entry(12, "train", foreground=0.0, classes=(0,))])
    assert (kind, count) == ("empty masks", 1)
    assert "no foreground: images/case12.png (train, group patient6). Right for cases" in message


def truth(**changes: Any) -> dict[str, Any]:
    """What the account says of the mask of one source."""
    plain = {"foreground": 0.1, "along_borders": False, "background": True, "full": False}
    return {**plain, "rules": {"grey value 255": "masks/a.png"}, **changes}


FULL = truth(foreground=1.0, along_borders=True, background=False, full=True)


def test_masks_without_background_stop_where_no_other_has_foreground() -> None:
    sources = [entry.source for entry in CLEAN]
    some = {source: truth() for source in sources} | {sources[0]: FULL}
    assert note(CLEAN, {"truth": some})[:2] == ("masks without background", 1)
    empty = truth(foreground=0.0, rules={})
    for others in ({}, {sources[0]: empty}):
        kind, count, message = problem(CLEAN, {"truth": dict.fromkeys(sources, FULL) | others})
        assert (kind, count) == ("masks without background", 12 - len(others))
        assert "case2.png, foreground is grey value 255 in masks/a.png; " in message


def test_what_a_record_adds_around_a_full_mask_is_no_background() -> None:
    classes = report(CLEAN, {"truth": {CLEAN[0].source: FULL}})["splits"]["train"]["classes"]
    assert classes == {"background": 3, "foreground": 4}


@pytest.mark.parametrize(
    ("shares", "along", "stops"),
    [
        pytest.param([0.5, 0.5, 0.5], 0, False, id="half"),
        pytest.param([0.1, 0.51, 0.6], 0, True, id="more than half in the median"),
        pytest.param([0.1, 0.1, 0.9], 0, False, id="in one"),
        pytest.param([0.1, 0.1, 0.1, 0.1], 2, False, id="along the borders of half of them"),
        pytest.param([0.1, 0.1, 0.1], 2, True, id="along the borders of most"),
    ],
)
def test_foreground_that_covers_most(shares: list[float], along: int, stops: bool) -> None:
    masks = {str(n): truth(foreground=share, along_borders=n < along) for n, share in enumerate(shares)}
    account = {"truth": masks | {"empty": truth(foreground=0.0, rules={})}}
    assert kinds_of(report(CLEAN, account)["problems"]) == ["mostly foreground"] * stops
    drawn = {source: {**mask, "rules": {}} for source, mask in masks.items()}
    assert report(CLEAN, {"truth": drawn})["problems"] == []
    assert report(CLEAN, account, data=THREE)["problems"] == []


@pytest.mark.parametrize(
    ("mask", "advice"),
    [
        (Mask(), 'set [data.mask] foreground = "dark"'),
        (Mask(foreground="dark"), 'set [data.mask] foreground = "bright"'),
        (Mask(form="colours", colours={"#ffffff": "foreground"}), "names in [data.mask] colours change places"),
        (Mask(form="indices"), "change places in the files"),
    ],
)
def test_what_to_do_about_masks_that_are_upside_down(mask: Mask, advice: str) -> None:
    account = {"truth": {"a.png": truth(foreground=0.9)}}
    [stop] = report(CLEAN, account, data=DATA.model_copy(update={"mask": mask}))["problems"]
    assert advice in stop["advice"]


def test_images_that_carry_an_orientation() -> None:
    turns = {"a.jpg": {"image": 3, "masks": {"a.png": 1}}, "b.jpg": {"image": 6, "masks": {"b.tif": 6}}}
    kind, count, message = note(CLEAN, {"turns": turns})
    assert (kind, count) == ("orientation", 2)
    assert "2 images carry one (EXIF, TIFF tag, place in a patient); masks carry the same in 1 sources, none" in message
    assert "a.jpg: the image a turn by 180 degrees, its mask none; b.jpg: the image a turn by 90" in message
    assert report(CLEAN)["orientation"] == {"images": 0, "masks_alike": 0, "masks_otherwise": 0}


def test_lesions_that_no_record_shows() -> None:
    kind, count, message = note(CLEAN, {"lesions_lost": {"images/case3.png": 2}})
    assert (kind, count) == ("lesions lost", 1)
    assert "images/case3.png: 2. Raise [data] height" in message


def test_shapes_that_reach_beyond_their_image() -> None:
    kind, count, message = note(CLEAN, {"cut_off": {"images/case3.png": 2}})
    assert (kind, count) == ("cut off", 1)
    assert "images/case3.png: 2. Look at some." in message


def test_folders_of_patients_are_suggested_before_names() -> None:
    images = [
        entry(
            number,
            ("train", "test", "eval")[number % 3],
            group=f"g{number}",
            source=f"images/p{number // 3}/{number}.png",
        )
        for number in range(30)
    ]
    [found] = [item for item in report(images)["notes"] if item["kind"] == "patients in several splits?"]
    assert '[data.groups] by = "folder"' in found["message"]


def test_mixed_bit_depths_name_the_unusual_ones() -> None:
    kind, count, message = note([*CLEAN, entry(12, "train", bit_depth=16), entry(13, "train", bit_depth=16)])
    assert (kind, count) == ("mixed bit depths", 2)
    assert "12 records of 8 bits, 2 records of 16 bits: images/case12.png (train, group patient6): 16 bits" in message


def test_classes_that_a_split_lacks() -> None:
    entries = [*CLEAN, entry(12, "train", classes=(0, 2)), entry(13, "train", classes=(3,))]
    kind, count, message = note(entries, data=THREE)
    assert (kind, count) == ("missing classes", 2)
    assert "split eval has no mask with stroma, vessel; split test has no mask with stroma, vessel." in message


def test_jpeg_masks_and_what_their_rule_does() -> None:
    lossy = {"count": 5, "mean_inflation": 1.4, "max_inflation": 1.7, "worst": "images/a.png"}
    kind, count, message = note(CLEAN, {"lossy_masks": lossy})
    assert (kind, count) == ("JPEG masks", 5)
    assert "changes the foreground's area by +40% on average: images/a.png: +70%, the most" in message


def test_stray_pixels_of_masks_and_the_most_of_them() -> None:
    stray = {"count": 5, "max_share": 0.00072, "worst": "images/a.png"}
    kind, count, message = note(CLEAN, {"stray_pixels": stray})
    assert (kind, count) == ("stray pixels", 5)
    assert "images/a.png: 0.072% of its pixels, the most" in message


def test_sources_left_out_on_request() -> None:
    left_out = [{"source": "mdb002.pgm", "kind": "label", "reason": "benign"}]
    kind, count, message = note(CLEAN, {"left_out": left_out})
    assert (kind, count) == ("left out", 1)
    assert "mdb002.pgm: benign" in message
    assert report(CLEAN, {"left_out": left_out})["left_out"] == left_out


def test_what_is_left_out_does_not_hide_rejects() -> None:
    """Of 100 sources 20 are used, 2 of them unusable: 10 %, not 2 %."""
    left_out = [{"source": f"span-1/{number}.png", "kind": "span", "reason": "older"} for number in range(80)]
    account = {"sources": 100, "rejects": rejects(2), "left_out": left_out}
    assert [problem["kind"] for problem in report(CLEAN, account)["problems"]] == ["rejects"]
    assert report(CLEAN, {**account, "sources": 120})["problems"] == []


def served(*changed: Entry) -> Champion:
    """A champion of the clean records, some of them changed, by their numbers."""
    rows = {row.id: row.row() for row in [*CLEAN, *changed]}
    return Champion("7", list(rows.values()), DATA.model_dump())


def test_a_champion_that_was_tested_on_what_is_tested_now() -> None:
    assert report(CLEAN, champion=served())["notes"] == []
    assert report(CLEAN, champion=served(entry(0, "test"), entry(1, "test")))["notes"] == []


@pytest.mark.parametrize("split", ["train", "eval", "fold-2"])
@pytest.mark.parametrize(
    "learnt", [{"sha256": "f" * 64}, {"group": "renamed"}], ids=["another image of the patient", "the same image"]
)
def test_a_champion_that_has_learnt_what_is_tested_now(split: str, learnt: dict[str, str]) -> None:
    [found] = report(CLEAN, champion=served(entry(8, split, **learnt)))["notes"]
    assert found["kind"] == "the champion has learnt test images"
    assert "images/case8.png (test, group patient4)" in found["message"]
    assert "learnt by the champion, version 7" in found["message"]
    assert found["count"] == (2 if "sha256" in learnt else 1)


def test_a_model_that_starts_from_what_it_is_tested_on_is_not_trained() -> None:
    knows = served(entry(8, "train"))
    [stop] = report(CLEAN, champion=knows, warm_start=True)["problems"]
    assert (stop["kind"], stop["count"]) == ("the champion has learnt test images", 2)
    assert "[training] warm_start = false" in stop["message"]
    # A cold start learns nothing from it: its numbers alone are wrong.
    assert report(CLEAN, champion=knows)["problems"] == []
    # The version that is pushed then has learnt what is in train now.
    assert report(CLEAN, champion=served(), warm_start=True)["problems"] == []


def test_empty_tiles_that_were_dropped() -> None:
    assert note(CLEAN, {"empty_tiles_dropped": 70})[:2] == ("empty tiles dropped", 70)


def named(*images: tuple[str, str]) -> list[Entry]:
    """Images of groups of their own, by name and split."""
    return [entry(n, split, source=f"images/{name}.png", group=name) for n, (name, split) in enumerate(images)]


def views(*names: str) -> list[Entry]:
    return named(*((name, ("train", "eval", "test")[number % 3]) for number, name in enumerate(names)))


@pytest.mark.parametrize(
    ("names", "pattern", "example"),
    [
        (
            ["p1_left", "p1_right", "p2_left", "p3_left", "p4_left", "p5_left"],
            r"^(.+)[-_.\s][^-_.\s]+$",
            "images/p1_left.png (train) and images/p1_right.png (eval)",
        ),
        (
            ["7_L_CC", "7_R_MLO", "8_L_CC", "9_L_CC", "4_L_CC", "5_L_CC"],
            r"^([^-_.\s]+)[-_.\s]",
            "images/7_L_CC.png (train) and images/7_R_MLO.png (eval)",
        ),
        (
            ["rot-30-a", "rot-60-a", "rot-30-b", "rot-30-c", "rot-30-d", "rot-30-e", "rot-30-f", *"ghijklm"],
            r"[-_.\s]([^-_.\s]+)$",
            "images/rot-30-a.png (train) and images/rot-60-a.png (eval)",
        ),
    ],
    ids=["all but the last word", "first word", "last word"],
)
def test_names_of_one_patient_in_several_splits(names: list[str], pattern: str, example: str) -> None:
    prefix = [f"rot-30-x{n}" for n in range(12)] if names[0].startswith("rot") else []
    kind, count, message = note(views(*names, *prefix))
    assert (kind, count) == ("patients in several splits?", 1)
    assert f"{example}. If they are of one patient" in message
    assert f"pattern = '{pattern}'." in message


@pytest.mark.parametrize(
    "names",
    [[f"img{n}" for n in range(12)], [f"case_{n}" for n in range(12)], [f"case_{n}_left" for n in range(15)]],
    ids=["one word", "one prefix", "prefix and view"],
)
def test_names_that_tell_no_patient(names: list[str]) -> None:
    assert note(views(*names))[:2] == ("one image per group", len(names))


def test_names_are_not_guessed_at_where_groups_are_known() -> None:
    assert (
        report([entry(number, old.split, source=f"p1_{number}.png") for number, old in enumerate(CLEAN)])["notes"] == []
    )


def test_the_counts_of_a_split() -> None:
    more = [
        entry(12, "eval", classes=(0, 2), label="benign"),
        entry(13, "eval", foreground=0.0, classes=(0,), label="normal"),
        entry(14, "eval", label="benign"),
    ]
    assert report([*CLEAN, *more], data=THREE)["splits"] == {
        "train": {
            "records": 4,
            "groups": 2,
            "with_foreground": 4,
            "classes": {"background": 4, "tumour": 4},
            "labels": {},
        },
        "eval": {
            "records": 7,
            "groups": 4,
            "with_foreground": 6,
            "classes": {"background": 7, "tumour": 5, "stroma": 1},
            "labels": {"benign": 2, "normal": 1},
        },
        "test": {
            "records": 4,
            "groups": 2,
            "with_foreground": 4,
            "classes": {"background": 4, "tumour": 4},
            "labels": {},
        },
    }


def test_the_report_is_json_with_every_record_and_no_signature() -> None:
    text = json.dumps(report(reversed_entries := CLEAN[::-1]), allow_nan=False)
    found = json.loads(text)
    assert "signature" not in text
    assert [(row["split"], row["source"]) for row in found["records"]] == sorted(
        (item.split, item.source) for item in reversed_entries
    )
    assert found["records"][0] == {
        "id": "case4",
        "group": "patient2",
        "source": "images/case4.png",
        "split": "eval",
        "sha256": f"{4:064x}",
        "derived_from": "",
        "label": "",
        "window": [0, 0, 64, 96],
        "source_height": 64,
        "source_width": 96,
        "bit_depth": 8,
        "channels": 1,
        "classes": [0, 1],
        "foreground": 0.1,
        "mean": 0.3,
        "std": 0.1,
    }


def test_a_thousand_leaks_are_one_finding() -> None:
    leaks = [entry(n, split, id=f"{n} {split}", group=f"g{n}") for n in range(2000) for split in ("train", "test")]
    [found] = [item for item in report([*CLEAN, *leaks])["problems"] if item["kind"] == "group overlap"]
    assert found["count"] == 2000
    assert len(found["examples"]) == 1000
    assert found["message"].count("(train") == 3
    assert "; and 1997 more. Move all files" in found["message"]


def champion_of(entries: Iterable[Entry], folder: Path, **data: Any) -> Champion:
    rows = report(list(entries))["records"]
    (folder / SPLIT_REPORT_FILE).write_text(json.dumps({"records": rows}))
    return pushed(folder, **data)


def pushed(folder: Path, **data: Any) -> Champion:
    (folder / MANIFEST_FILE).write_text(json.dumps({"config": {"data": DATA.model_dump() | data}}))
    return read_champion(folder, "7")


def many(mean: float) -> list[Entry]:
    return [entry(n, ("train", "eval", "test")[n // 40], mean=mean + n / 1000) for n in range(120)]


def test_drift_from_the_champion_stops(tmp_path: Path) -> None:
    champion = champion_of(many(0.3), tmp_path)
    assert report(many(0.3), champion=champion)["problems"] == []
    found = report(many(0.5), champion=champion)
    [stop] = found["problems"]
    assert stop["kind"] == "drift"
    assert found["drift"]["champion"] == "7"
    verdicts = {feature["name"]: feature["verdict"] for feature in found["drift"]["features"]}
    assert verdicts["intensity mean"] == "drift"
    assert verdicts["source height"] == "no drift"


@pytest.mark.parametrize(
    "change",
    [
        {"tiles": Tiles(keep_empty=0.9)},
        {"fit": "crop"},
        {"adjust": Adjust(gamma=2.0)},
        {"height": 128},
        {"channels": 3},
        {"dicom_window": True},
        {"mask": Mask(threshold=9)},
        {"classes": ["mass"]},
    ],
)
def test_another_recipe_is_no_drift_of_the_data(tmp_path: Path, change: dict[str, Any]) -> None:
    champion = champion_of(many(0.3), tmp_path)
    found = report(many(0.5), champion=champion, data=DATA.model_copy(update=change))
    assert found["problems"] == []
    verdicts = {feature["name"]: feature["verdict"] for feature in found["drift"]["features"]}
    assert verdicts["intensity mean"] == verdicts["foreground share"] == "other recipe"
    assert verdicts["source height"] == verdicts["source width"] == "no drift"


@pytest.mark.parametrize(("space", "verdict"), [("rgb", "drift"), ("lab", "other recipe")])
def test_a_champion_of_when_there_were_colour_spaces(tmp_path: Path, space: str, verdict: str) -> None:
    """RGB was none: the recipe is the same without it."""
    champion = champion_of(many(0.3), tmp_path, adjust={**DATA.adjust.model_dump(), "colour_space": space})
    features = report(many(0.5), champion=champion)["drift"]["features"]
    assert {feature["name"]: feature["verdict"] for feature in features}["intensity mean"] == verdict


def kinds_of(findings: list[dict[str, Any]]) -> list[str]:
    return [item["kind"] for item in findings]


@pytest.mark.parametrize(("warm_start", "place"), [(False, "notes"), (True, "problems")])
def test_what_a_champion_without_a_report_has_learnt_is_not_known(tmp_path: Path, warm_start: bool, place: str) -> None:
    found = report(CLEAN, champion=pushed(tmp_path), warm_start=warm_start)
    assert kinds_of(found["problems"]) == ["what the champion has learnt is not known"] * warm_start
    assert "what the champion has learnt is not known" in kinds_of(found[place])
    assert {feature["verdict"] for feature in found["drift"]["features"]} == {"too few to tell"}


@pytest.mark.parametrize("warm_start", [False, True])
def test_validation_images_that_the_champion_was_trained_on(tmp_path: Path, warm_start: bool) -> None:
    before = [replace(item, split="train") if item.split == "eval" else item for item in CLEAN]
    found = report(CLEAN, champion=champion_of(before, tmp_path), warm_start=warm_start)
    assert found["problems"] == []
    assert ("the champion was trained on validation images" in kinds_of(found["notes"])) is warm_start
