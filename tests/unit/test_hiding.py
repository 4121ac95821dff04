"""Salted ids in place of names: in sentences, rows and configs."""

import getpass
import re
from pathlib import Path

import pytest

from components.seen.hiding import Hiding
from components.seen.names import Names
from pipeline.config.loader import parse_config

NAMES = Names(b"a secret")
SOURCE = "ward/MEIER_1957/meier-anna-left.png"
HIDING = Hiding.of(
    NAMES, ["meier", "7", "Anna Meier", "MEIER_1957", "test"], [SOURCE], ["folder=B (2)", "label=benign"]
)


def test_an_id_is_that_of_a_salted_split_report() -> None:
    # As `printf %s MEIER_1957 | openssl dgst -sha256 -hmac "a secret"` says, its first 24 digits.
    assert HIDING.text("MEIER_1957") == NAMES("MEIER_1957") == "2130a57aa06e0558a05604e9"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Case meier, of MEIER_1957.", "Case {meier}, of {MEIER_1957}."),
        ("of Anna Meier's (Anna Meier)", "of {Anna Meier}'s ({Anna Meier})"),
        ("meiers of 17", "meiers of 17"),
        # A number of a sentence is no patient.
        ("7 of 17", "7 of 17"),
        ("cannot read meier-anna-left.png", "cannot read {meier-anna-left.png}"),
        ("below images/MEIER_1957: none", "below images/{MEIER_1957}: none"),
        (f"'{SOURCE}' is torn", f"'{{{SOURCE}}}' is torn"),
        ("Served from /srv/meier/serving/7", "Served from {/srv/meier/serving/7}"),
        ("in ~/films/x.png, or so", "in {~/films/x.png}, or so"),
        ("images/s and/or https://a.org/b/c", "images/s and/or https://a.org/b/c"),
        ("Dice (folder=MEIER_1957) is 0", "Dice (folder={MEIER_1957}) is 0"),
        ("Dice (folder=B (2)) is 0", "Dice (folder={B (2)}) is 0"),
        ("folder=another", "folder={another}"),
        ("label=benign", "label=benign"),
        (f"made in {Path.home()} by {getpass.getuser()}", f"made in {{{Path.home()}}} by {{{getpass.getuser()}}}"),
    ],
)
def test_sentences(text: str, hidden: str) -> None:
    assert HIDING.text(text) == re.sub(r"\{(.*?)\}", lambda found: NAMES(found[1]), hidden)


def test_words_and_keys_that_say_how_stay() -> None:
    """Whatever patients are called: templates and readers look these up."""
    told = {
        "test": {"family": "test", "notes": ["the test of meier"]},
        "slices": {"folder=ward": 1, "label=MEIER_1957": 2},
    }
    assert HIDING.whole(told) == {
        "test": {"family": "test", "notes": [f"the {NAMES('test')} of {NAMES('meier')}"]},
        "slices": {f"folder={NAMES('ward')}": 1, f"label={NAMES('MEIER_1957')}": 2},
    }


def test_of_a_sentence_about_a_file_its_kind_is_left() -> None:
    row = {"source": "x.png", "kind": "unreadable", "reason": "x.png.xml says Anna", "count": 2, "examples": ["x"]}
    said = "unreadable 2"
    assert HIDING.row(row) == {
        "source": NAMES("x.png"),
        "kind": "unreadable",
        "count": 2,
        "reason": said,
        "examples": said,
    }


def test_a_label_is_a_statistic_unless_it_is_a_patient() -> None:
    assert [*map(HIDING.value, ("benign", "MEIER_1957", "7"))] == ["benign", NAMES("MEIER_1957"), NAMES("7")]


def test_a_config_says_how_and_not_of_whom_or_where() -> None:
    given = {
        "data": {
            **{"layout": "paths", "height": 32, "width": 32, "input": "/data/MEIER", "classes": ["lesion"]},
            "paths": {"image": "KLINIK/{name}", "masks": ["KLINIK/{name}_m"]},
            "groups": {"by": "pattern", "pattern": "(MEIER|SCHULZ)_"},
            "splits": {"test_groups": ["SCHULZ_2"]},
        },
        "training": {"epochs": 3},
        "serving": {"destination": "/srv/KLINIK"},
        "evaluation": {"limits": [{"measure": "dice", "at_least": 0.5, "slice": "folder=KLINIK"}]},
    }
    config = HIDING.config(parse_config(given, "tests").model_dump(mode="json"))
    assert not any(name in repr(config) for name in ("MEIER", "SCHULZ", "KLINIK", "/data", "/srv"))
    assert (config["data"]["layout"], config["data"]["classes"]) == ("paths", ["lesion"])
    assert config["data"]["splits"]["test_groups"] == [NAMES("SCHULZ_2")]
    assert config["training"]["epochs"] == 3
    assert "serving" not in config
