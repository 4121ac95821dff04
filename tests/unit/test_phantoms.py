"""The phantom data set: its form, its truth and its manners towards folders."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from components.errors import UsageError
from components.example_gen.listing import list_samples
from components.example_gen.outcome import outcome_of
from components.example_gen.settings import DataSettings
from components.records.record import Record
from pipeline.config.loader import load_config
from pipeline.runs.phantoms import sets
from pipeline.runs.phantoms.film import draw_film
from pipeline.runs.phantoms.sets import write_phantoms
from pipeline.runs.phantoms.truth import BREAST, LESION, MUSCLE

SIZE = 64
SEED = 5


def contents(directory: Path) -> dict[str, bytes]:
    """The files below a folder by name."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def rows(directory: Path) -> list[list[str]]:
    table = (directory / "Info.txt").read_text().splitlines()
    return [line.split() for line in table if line.startswith("mdb")]


def discs(directory: Path) -> list[tuple[str, float, float, float]]:
    """Film, x, y and radius in pixels of the film; the table counts those of films of 1024 pixels."""
    found = [(row[0], *map(int, row[4:])) for row in rows(directory) if len(row) == 7 and "*NOTE" not in row]
    scale = SIZE / 1024
    return [(name, (x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5, radius * scale) for name, x, y, radius in found]


def contrast(film: np.ndarray, column: float, row: float, radius: float) -> float:
    """Return how much brighter the disc is than the ring around it, in grey levels of 0 to 255."""
    down, across = np.indices(film.shape)
    distance = np.hypot(down - row, across - column) / radius
    return film[distance < 1].mean() - film[(distance > 1.2) & (distance < 1.8)].mean()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("phantoms") / "set"
    write_phantoms(directory, women=30, size=SIZE, seed=SEED)
    return directory


@pytest.fixture(scope="module")
def masked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same films with masks of classes."""
    directory = tmp_path_factory.mktemp("phantoms") / "classes"
    write_phantoms(directory, women=30, size=SIZE, seed=SEED, form="classes")
    return directory


def masks(directory: Path) -> dict[str, np.ndarray]:
    return {path.stem: cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(directory.glob("masks/*.png"))}


def ingested(directory: Path, data: DataSettings) -> dict[str, Record]:
    """The records of whole films at their own size, by film."""
    data = data.model_copy(update={"height": SIZE, "width": SIZE})
    records = [outcome_of(sample, directory, data, as_it_is)[1][0] for sample in list_samples(directory, data).samples]
    return {record.id: record for record in records}


def as_it_is(record: Record) -> Record:
    return record


def test_same_parameters_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_phantoms(tmp_path / name, women=2, size=SIZE, seed=SEED)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_another_seed_gives_other_films(tmp_path: Path, made: Path) -> None:
    write_phantoms(tmp_path / "set", women=1, size=SIZE, seed=SEED + 1)
    assert contents(tmp_path / "set")["mdb001.pgm"] != contents(made)["mdb001.pgm"]


def test_more_women_only_add_films_and_rows(tmp_path: Path) -> None:
    write_phantoms(tmp_path / "few", women=3, size=SIZE, seed=SEED)
    write_phantoms(tmp_path / "more", women=5, size=SIZE, seed=SEED)
    few, more = contents(tmp_path / "few"), contents(tmp_path / "more")
    films = [name for name in few if name.endswith(".pgm")]
    assert len(films) == 6
    assert all(few[name] == more[name] for name in films)
    assert more["Info.txt"].startswith(few["Info.txt"])


def test_films_are_binary_grey_maps(made: Path) -> None:
    films = sorted(made.glob("*.pgm"))
    assert [film.name for film in films] == [f"mdb{number:03d}.pgm" for number in range(1, 61)]
    for film in films:
        assert film.read_bytes().startswith(b"P5\n64 64\n255\n")
        image = cv2.imread(str(film), cv2.IMREAD_UNCHANGED)
        assert image.shape == (SIZE, SIZE)
        assert image.dtype == np.uint8


def test_the_films_of_a_woman_hang_back_to_back(made: Path) -> None:
    for number in range(1, 61):
        film = cv2.imread(str(made / f"mdb{number:03d}.pgm"), cv2.IMREAD_UNCHANGED)
        left, right = film[SIZE // 2, : SIZE // 8].mean(), film[SIZE // 2, -SIZE // 8 :].mean()
        assert (right > left) == (number % 2 == 1)


def test_table_has_the_form_and_the_blemishes_of_the_real_one(made: Path) -> None:
    raw = (made / "Info.txt").read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    lines = raw.decode("ascii").split("\r\n")
    assert not lines[0].startswith("mdb")
    assert lines[1] == ""
    assert any(line.endswith(" ") for line in lines)
    table = rows(made)
    assert {row[0] for row in table} == {f"mdb{number:03d}" for number in range(1, 61)}
    assert {row[1] for row in table} == {"F", "G", "D"}
    assert {row[2] for row in table} == {"NORM", "CIRC", "SPIC", "MISC", "CALC", "ARCH", "ASYM"}
    assert {row[3] for row in table if row[2] != "NORM"} == {"B", "M"}
    assert all(len(row) == 3 for row in table if row[2] == "NORM")
    assert [row[0] for row in table if row[4:] == ["*NOTE", "3*"]] == ["mdb008"]


def test_share_of_films_with_lesions(made: Path) -> None:
    films = [row[0] for row in rows(made) if row[2] != "NORM"]
    assert 0.5 < len(set(films)) / 60 < 0.85
    assert 2 <= len(films) - len(set(films)) <= 15


def test_two_lesions_of_a_film_do_not_overlap(made: Path) -> None:
    found = discs(made)
    pairs = [(a, b) for i, a in enumerate(found) for b in found[i + 1 :] if a[0] == b[0]]
    assert pairs
    for (_, x, y, radius), (_, other_x, other_y, other_radius) in pairs:
        assert np.hypot(x - other_x, y - other_y) > radius + other_radius


def test_discs_lie_in_the_film(made: Path) -> None:
    for _, x, y, radius in discs(made):
        assert radius >= 2
        assert radius <= min(x, y)
        assert max(x, y) + radius < SIZE


def test_lesions_are_where_the_table_says_counted_from_the_bottom(made: Path) -> None:
    upright, upside_down = [], []
    for name, x, y, radius in discs(made):
        film = cv2.imread(str(made / f"{name}.pgm"), cv2.IMREAD_UNCHANGED).astype(float)
        upright.append(contrast(film, x, SIZE - 1 - y, radius))
        upside_down.append(contrast(film, x, y, radius))
    assert min(upright) > 25
    assert np.median(upside_down) < 15


def test_lesion_of_the_row_without_place_is_in_the_film(made: Path) -> None:
    (lesion,) = draw_film(8, SIZE, SEED).lesions
    film = cv2.imread(str(made / "mdb008.pgm"), cv2.IMREAD_UNCHANGED).astype(float)
    assert contrast(film, lesion.column, lesion.row, lesion.radius) > 25


def test_a_whole_set_is_left_as_it_is(tmp_path: Path) -> None:
    write_phantoms(tmp_path / "set", women=1, size=SIZE, seed=SEED)
    before = (tmp_path / "set" / "mdb001.pgm").stat()
    write_phantoms(tmp_path / "set", women=1, size=SIZE, seed=SEED)
    after = (tmp_path / "set" / "mdb001.pgm").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("change", [{"women": 1}, {"size": 80}, {"seed": SEED + 1}, {"form": "classes"}])
def test_other_parameters_rebuild(tmp_path: Path, change: dict[str, Any]) -> None:
    parameters: dict[str, Any] = {"women": 2, "size": SIZE, "seed": SEED}
    write_phantoms(tmp_path / "set", **parameters)
    write_phantoms(tmp_path / "set", **parameters | change)
    write_phantoms(tmp_path / "wanted", **parameters | change)
    assert contents(tmp_path / "set") == contents(tmp_path / "wanted")
    assert {path.name for path in tmp_path.iterdir()} == {"set", "wanted"}


def test_a_broken_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sets, "table_rows", stop)
    with pytest.raises(KeyboardInterrupt):
        write_phantoms(tmp_path / "set", women=1, size=SIZE, seed=SEED)
    assert not list(tmp_path.iterdir())


def test_the_leavings_of_a_killed_run_are_not_taken_for_a_set(tmp_path: Path) -> None:
    leavings = tmp_path / ".set-killed" / "fresh"
    leavings.mkdir(parents=True)
    (leavings / "mdb001.pgm").write_bytes(b"P5\n64 64\n255\n")
    write_phantoms(tmp_path / "set", women=1, size=SIZE, seed=SEED)
    write_phantoms(tmp_path / "wanted", women=1, size=SIZE, seed=SEED)
    assert contents(tmp_path / "set") == contents(tmp_path / "wanted")


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    write_phantoms(tmp_path, women=1, size=SIZE, seed=SEED)
    assert set(contents(tmp_path)) == {"mdb001.pgm", "mdb002.pgm", "Info.txt", "README.txt", "phantoms.json"}


@pytest.mark.parametrize("names", [["mdb001.pgm", "Info.txt"], ["notes.txt"], ["phantoms.json", "notes.txt"]])
def test_a_foreign_folder_is_refused_untouched(tmp_path: Path, names: list[str]) -> None:
    directory = tmp_path / "films"
    directory.mkdir()
    for name in names:
        (directory / name).write_text("mine")
    before = contents(directory)
    with pytest.raises(UsageError, match="films"):
        write_phantoms(directory, women=1, size=SIZE, seed=SEED)
    assert contents(directory) == before
    assert [path.name for path in tmp_path.iterdir()] == ["films"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set").write_text("mine")
    with pytest.raises(UsageError, match="set"):
        write_phantoms(tmp_path / "set", women=1, size=SIZE, seed=SEED)
    assert (tmp_path / "set").read_text() == "mine"


@pytest.mark.parametrize("change", [{"women": 0}, {"women": 500}, {"size": 63}, {"seed": -1}])
def test_parameters_out_of_range_are_refused(tmp_path: Path, change: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=next(iter(change))):
        write_phantoms(tmp_path / "set", **{"women": 1, "size": SIZE, "seed": SEED} | change)


def test_readme_says_what_the_films_are(made: Path) -> None:
    text = (made / "README.txt").read_text()
    assert "NOT PATIENTS" in text
    assert "clinical" in text


def test_both_forms_have_the_same_films(made: Path, masked: Path) -> None:
    films = {name: content for name, content in contents(made).items() if name.endswith(".pgm")}
    assert {f"images/{name}": content for name, content in films.items()} == {
        name: content for name, content in contents(masked).items() if name.startswith("images/")
    }
    assert {*masks(masked)} == {name.removesuffix(".pgm") for name in films}


def test_masks_have_the_lesions_of_the_truth_table(made: Path, masked: Path) -> None:
    drawn, table = masks(masked), ingested(made, load_config("demo").records)
    assert table.keys() == drawn.keys() - {"mdb008"}
    assert sum(record.foreground > 0 for record in table.values()) > 20
    for name, record in table.items():
        np.testing.assert_array_equal(drawn[name] == LESION, record.mask == 1)
    # Whose row has no place; what is drawn is known all the same.
    assert (drawn["mdb008"] == LESION).any()


def test_areas_of_lesions_are_those_of_discs(made: Path, masked: Path) -> None:
    drawn, found = masks(masked), discs(made)
    for name in {name for name, *_ in found}:
        area = sum(np.pi * radius**2 for film, _, _, radius in found if film == name)
        # Radii of 2 to 6 pixels: the area of a disc of pixels is that of the circle but for its edge.
        assert np.count_nonzero(drawn[name] == LESION) == pytest.approx(area, rel=0.2), name


def test_a_mask_is_what_was_drawn() -> None:
    """Of film 2, a left one, the chest wall is at column 0: pixels by the formulas of the drawing."""
    film = draw_film(2, SIZE, SEED)
    mask = sets.class_mask(replace(film, lesions=[]))
    breast = film.breast
    wall = mask[:, 0]
    top = breast.muscle_height * SIZE  # where the muscle leaves the chest wall
    first = max(0, int(SIZE * (breast.middle - breast.above)) + 2)
    assert {*wall[first : int(top) - 1]} == {MUSCLE}
    bottom = int(SIZE * (breast.middle + breast.below))
    assert {*wall[int(top) + 1 : bottom - 1]} == {BREAST}
    assert {*wall[bottom + 1 :]} <= {0}
    # Half an ellipse above the middle line and half of another below, cut by the film.
    quarter = np.pi / 4 * breast.reach * breast.below * SIZE**2
    below = mask[int(breast.middle * SIZE) + 1 :]
    assert np.count_nonzero(below) == pytest.approx(quarter, rel=0.1)


def test_masks_of_a_woman_hang_back_to_back(masked: Path) -> None:
    for name, mask in masks(masked).items():
        right = int(name[3:]) % 2 == 1
        assert (mask[:, -1 if right else 0] > 0).mean() > 0.7
        assert not mask[:, 0 if right else -1].any()


def test_breasts_hold_their_muscle_and_lesions(masked: Path) -> None:
    for mask in masks(masked).values():
        assert {BREAST, MUSCLE} <= {*np.unique(mask)} <= {0, BREAST, MUSCLE, LESION}
        around = cv2.dilate((mask == LESION).astype(np.uint8), np.ones((3, 3))) > 0
        assert {*np.unique(mask[around])} <= {BREAST, LESION}
        body = (mask > 0).astype(np.uint8)
        assert cv2.connectedComponents(body)[0] == 2
        assert cv2.connectedComponents((mask == MUSCLE).astype(np.uint8))[0] == 2


def test_films_of_a_woman_stand_in_one_split(masked: Path) -> None:
    samples = list_samples(masked, load_config("demo_multiclass").records).samples
    assert len(samples) == 60
    assert {sample.split for sample in samples} == {"train", "eval", "test"}
    splits = {sample.id: sample.split for sample in samples}
    assert all(splits[f"mdb{number:03d}"] == splits[f"mdb{number + 1:03d}"] for number in range(1, 60, 2))


def test_a_set_of_the_other_form_with_something_foreign_is_refused(tmp_path: Path) -> None:
    write_phantoms(tmp_path / "set", women=1, size=SIZE, seed=SEED, form="classes")
    (tmp_path / "set" / "masks" / "mine.png").write_text("mine")
    with pytest.raises(UsageError, match=r"masks/mine\.png"):
        write_phantoms(tmp_path / "set", women=1, size=SIZE, seed=SEED)
    assert (tmp_path / "set" / "masks" / "mine.png").read_text() == "mine"


def test_every_source_that_draws_decides_whether_a_set_is_made_anew(tmp_path: Path, monkeypatch: Any) -> None:
    """A copy of the package with one more letter in any file has another hash."""
    package = Path(sets.__file__).parent
    hashes = {sets._drawn_by()}
    for source in package.glob("*.py"):
        copy = tmp_path / source.stem
        shutil.copytree(package, copy)
        (copy / source.name).write_bytes(source.read_bytes() + b"\n")
        monkeypatch.setattr(sets, "__file__", str(copy / "sets.py"))
        hashes.add(sets._drawn_by())
    assert len(hashes) == 1 + len(list(package.glob("*.py")))
