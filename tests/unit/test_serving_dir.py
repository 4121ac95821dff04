"""The serving folder: versions, the champion, and papers that are not what they should be."""

from __future__ import annotations

import math
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile.documents import dangling, endless, fifo, sparse
from raw_images import write

from components.errors import UsageError
from components.files import write_json
from components.serving_dir import (
    champion_version,
    check_files,
    content_sha256,
    exclusive,
    read_manifest,
    read_split_report,
)
from components.serving_push import push
from components.state import BrokenState

FUTURE = 4_000_000_000


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write(tmp_path / "model" / "saved_model.pb", b"graph")
    write(tmp_path / "model" / "variables" / "variables.index", b"weights")
    return tmp_path / "model"


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    (tmp_path / "serving").mkdir()
    return tmp_path / "serving"


def versions(serving: Path) -> list[str]:
    return sorted(path.name for path in serving.iterdir() if path.name.isdigit())


def test_nothing_is_served_at_first(serving: Path) -> None:
    assert champion_version(serving / "nowhere") is None
    assert champion_version(serving) is None


def test_push(model: Path, serving: Path) -> None:
    before = int(time.time())
    version = push(model, serving, {"metrics": {"dice": 0.8}})
    assert before <= int(version) <= time.time()
    assert champion_version(serving) == version
    assert read_manifest(serving, version) == {"version": version, "metrics": {"dice": 0.8}}
    files = {path.relative_to(serving).as_posix() for path in serving.rglob("*") if path.is_file()}
    assert files == {
        "CHAMPION.json",
        f"{version}/MANIFEST.json",
        f"{version}/saved_model.pb",
        f"{version}/variables/variables.index",
    }
    assert (serving / version / "variables" / "variables.index").read_bytes() == b"weights"


def test_others_may_read_a_version(model: Path, serving: Path) -> None:
    """The server seldom runs as the user who pushes."""
    model.chmod(0o755)
    assert stat.S_IMODE((serving / push(model, serving, {})).stat().st_mode) == 0o755


@pytest.mark.parametrize("existing", [0, FUTURE])
def test_versions_increase_even_where_the_clock_does_not(model: Path, serving: Path, existing: int) -> None:
    (serving / str(existing)).mkdir(parents=True)
    pushed = [int(push(model, serving, {})) for _ in range(3)]
    assert existing < pushed[0] < pushed[1] < pushed[2]
    assert champion_version(serving) == str(pushed[2])
    if existing == FUTURE:
        assert pushed == [FUTURE + 1, FUTURE + 2, FUTURE + 3]


def test_numbers_are_compared_as_numbers(model: Path, serving: Path) -> None:
    for name in ("9", str(10 * FUTURE)):
        (serving / name).mkdir(parents=True)
    assert push(model, serving, {}) == str(10 * FUTURE + 1)


def test_half_a_copy_is_no_version_and_not_in_the_way(model: Path, serving: Path) -> None:
    (serving / str(FUTURE)).mkdir(parents=True)
    write(serving / f".unfinished-{FUTURE + 1}" / "saved_model.pb", b"gra")
    version = push(model, serving, {})
    assert version == str(FUTURE + 1)
    assert (serving / version / "saved_model.pb").read_bytes() == b"graph"
    assert versions(serving) == [str(FUTURE), version]


@pytest.mark.parametrize("fault", ["no model", "manifest that is not JSON"])
def test_a_push_that_fails_early_leaves_the_old_champion(model: Path, serving: Path, fault: str) -> None:
    champion = push(model, serving, {})
    source, manifest = (model / "nowhere", {}) if fault == "no model" else (model, {"dice": math.nan})
    with pytest.raises((OSError, ValueError)):
        push(source, serving, manifest)
    assert versions(serving) == [champion]
    assert champion_version(serving) == champion
    assert int(push(model, serving, {})) > int(champion)


def test_a_pointer_that_cannot_be_written_shows_no_version(model: Path, serving: Path) -> None:
    (serving / "CHAMPION.json").mkdir(parents=True)
    with pytest.raises(UsageError, match=r"CHAMPION.json: cannot be read"):
        push(model, serving, {"step": 1})
    assert versions(serving) == []


@pytest.mark.parametrize(
    ("pointer", "there", "champion"),
    [
        ({"version": "7", "next": "9"}, ["7"], "7"),
        ({"version": "7", "next": "9"}, ["7", "9"], "9"),
        ({"version": None, "next": "9"}, [], None),
        ({"version": None, "next": "9"}, ["9"], "9"),
        ({"version": "7", "next": None}, ["7"], "7"),
    ],
)
def test_the_next_version_is_the_champion_as_soon_as_it_is_there(
    serving: Path, pointer: dict[str, Any], there: list[str], champion: str | None
) -> None:
    write_json(serving / "CHAMPION.json", pointer)
    for version in there:
        write_json(write(serving / version / "MANIFEST.json", b""), {})
    assert champion_version(serving) == champion


@pytest.mark.parametrize(
    ("pointer", "fault"),
    [
        ({"version": "7", "next": "9"}, "names version 7, which is not there"),
        ({"version": "7", "next": "../9"}, "next: found '../9'"),
        ({"version": "../7", "next": "9"}, "version: found '../7'"),
        ({"version": None}, "version: found None"),
        ({"version": "7", "next": "8"}, "names version 8, which has no MANIFEST.json"),
    ],
)
def test_a_pointer_to_nothing_is_named(serving: Path, pointer: dict[str, Any], fault: str) -> None:
    (serving / "8").mkdir()
    write_json(serving / "CHAMPION.json", pointer)
    with pytest.raises(UsageError, match=rf"CHAMPION.json: {fault}.*delete CHAMPION.json"):
        champion_version(serving)


def test_papers_lie_beside_the_manifest(model: Path, serving: Path, tmp_path: Path) -> None:
    write(tmp_path / "split_report.json", b"{}")
    version = push(model, serving, {}, tmp_path / "split_report.json")
    assert (serving / version / "split_report.json").read_bytes() == b"{}"
    assert read_manifest(serving, version) == {"version": version}


def test_the_champion_need_not_be_the_newest(model: Path, serving: Path) -> None:
    old, _ = push(model, serving, {}), push(model, serving, {})
    write_json(serving / "CHAMPION.json", {"version": old})
    assert champion_version(serving) == old


PAPERS = {
    "CHAMPION.json": {"version": "7"},
    "7/MANIFEST.json": {"version": "7"},
    "7/split_report.json": {"records": []},
}


def read_papers(serving: Path) -> None:
    champion_version(serving), read_manifest(serving, "7"), read_split_report(serving / "7")


@pytest.fixture
def papers(serving: Path) -> Path:
    for name, content in PAPERS.items():
        write_json(write(serving / name, b""), content)
    read_papers(serving)
    return serving


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "cannot be read"),
        (b"{", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"[]", "found list"),
    ],
    ids=["empty", "cut short", "not text", "nested", "a list"],
)
@pytest.mark.parametrize("name", PAPERS)
def test_broken_papers_are_named(papers: Path, name: str, content: bytes, found: str) -> None:
    write(papers / name, content)
    with pytest.raises(UsageError, match=f"{name}: {found}.*delete CHAMPION.json to go on without a champion"):
        read_papers(papers)


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("CHAMPION.json", {}, "version: missing"),
        ("CHAMPION.json", {"version": ["7"]}, r"version: found \['7'\]"),
        ("7/MANIFEST.json", {}, "version: missing"),
        ("7/MANIFEST.json", {"version": "7", "config": "none"}, "config: found 'none', expected a table"),
        ("7/MANIFEST.json", {"version": "7", "model_sha256": 5}, "model_sha256: found 5, expected a string"),
        (
            "7/MANIFEST.json",
            {"version": "7", "warm_starts": "two"},
            "warm_starts: found 'two', expected a whole number",
        ),
        ("7/split_report.json", {"records": None}, "records: found None, expected a list"),
        ("7/split_report.json", {"records": [[]]}, r"records.0: found \[\], expected a table"),
        ("7/split_report.json", {"records": [{}]}, "records.0.group: missing"),
        ("7/split_report.json", {"rejects": []}, "records: missing"),
    ],
)
def test_papers_of_another_shape_are_named(papers: Path, name: str, content: Any, found: str) -> None:
    write_json(papers / name, content)
    with pytest.raises(UsageError, match=f"{name}: {found}.*delete CHAMPION.json to go on without a champion"):
        read_papers(papers)


@pytest.mark.parametrize(
    "name",
    [
        *("../elsewhere/7", "../serving/7", "7/", "7/../7", "{serving}/7", "", ".", "..", "\u00b2", "\u0667", "7\n"),
        *("9" * 20, "x" * 5000, "seven", ".unfinished-7", None, True, 7.0),
    ],
)
def test_a_version_is_a_name_and_no_path(papers: Path, name: Any) -> None:
    write_json(write(papers.parent / "elsewhere/7/MANIFEST.json", b""), {})
    given = name.format(serving=papers) if isinstance(name, str) else name
    write_json(papers / "CHAMPION.json", {"version": given})
    with pytest.raises(UsageError, match=r"CHAMPION.json: version: found .*, expected .*delete CHAMPION.json"):
        champion_version(papers)


@pytest.mark.parametrize("given", ["7", 7])
def test_a_pointer_may_be_written_by_hand_and_a_version_linked(papers: Path, given: Any) -> None:
    (papers / "7").rename(papers.parent / "stored")
    (papers / "7").symlink_to(papers.parent / "stored")
    write_json(papers / "CHAMPION.json", {"version": given, "by": "hand"})
    assert champion_version(papers) == "7"


def test_files_of_a_version_that_cannot_be_read_are_named(papers: Path) -> None:
    (papers / "7/variables").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"7: cannot be read: .*variables.*delete CHAMPION.json to go on without"):
        content_sha256(papers / "7")


@pytest.mark.parametrize("what", ["folder", "link to nothing"])
def test_a_pointer_that_is_no_file_is_not_taken_for_no_champion(papers: Path, what: str) -> None:
    (papers / "CHAMPION.json").unlink()
    if what == "folder":
        (papers / "CHAMPION.json").mkdir()
    else:
        (papers / "CHAMPION.json").symlink_to("nowhere.json")
    with pytest.raises(UsageError, match=r"CHAMPION.json: cannot be read"):
        champion_version(papers)


@pytest.mark.parametrize("name", ["\u00b2", "\u0667", "9" * 20])
def test_a_folder_that_no_server_takes_for_a_version_does_not_count(model: Path, serving: Path, name: str) -> None:
    (serving / name).mkdir()
    assert int(push(model, serving, {})) < FUTURE


def test_a_lock_that_cannot_be_taken_is_named(serving: Path) -> None:
    """As where another user has made it."""
    (serving / ".lock").mkdir()
    said = r"serving/\.lock: cannot be locked: Is a directory\. Make it yours"
    with pytest.raises(UsageError, match=said), exclusive(serving):
        pass


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (fifo, "is a named pipe, expected a file"),
        (endless, "is a device, expected a file"),
        (dangling, "No such file"),
        (sparse, "has 1000000000.. bytes, more than the 34359738368 of any version"),
        (lambda folder: (folder / "back").symlink_to(folder.parent), "back: leads to .*, which is among its files"),
    ],
)
def test_a_version_that_is_not_made_of_files_is_named(model: Path, make: Callable[[Path], Any], reason: str) -> None:
    check_files(model)
    make(model / "variables")
    for look in (check_files, content_sha256):
        with pytest.raises(BrokenState, match=reason):
            look(model)


def test_a_link_to_a_folder_elsewhere_is_part_of_a_version(model: Path, tmp_path: Path) -> None:
    before = content_sha256(model)
    (model / "variables").rename(tmp_path / "elsewhere")
    (model / "variables").symlink_to(tmp_path / "elsewhere")
    check_files(model)
    assert content_sha256(model) == before
