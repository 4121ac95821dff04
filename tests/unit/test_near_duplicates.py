"""Near duplicates: copies are found, unrelated films are not, and work stays bounded."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from components.data_gate import near_duplicates
from components.data_gate.near_duplicates import find_near_duplicates
from components.imaging.fingerprint import signature
from pipeline.runs.phantoms.sets import write_phantoms

MAMMOGRAMS = Path(__file__).parents[3] / "shared/data/inbreast-mini/images"
Film = np.ndarray


def found(signatures: list[bytes], splits: list[int] | None = None, limit: int = 8) -> set[tuple[int, int]]:
    return {(pair.first, pair.second) for pair in find_near_duplicates(signatures, splits, limit=limit)}


def moved(film: Film, across: np.ndarray, down: np.ndarray, border: int = cv2.BORDER_CONSTANT) -> Film:
    """The film sampled at displaced places, displacements in pixels."""
    rows, columns = np.mgrid[: film.shape[0], : film.shape[1]]
    places = (columns + across).astype(np.float32), (rows + down).astype(np.float32)
    return cv2.remap(film, *places, cv2.INTER_LINEAR, borderMode=border)


def elastic(film: Film, pixels: float = 3.2, sigma: float = 8) -> Film:
    """Root mean square displacement and smoothness in 1/512 of the side: alpha 1300, sigma 8 of the reference."""
    scale = film.shape[0] / 512
    noise = np.random.default_rng(137).uniform(-1, 1, (2, *film.shape))
    across, down = (cv2.GaussianBlur(field, (0, 0), sigma * scale) for field in noise)
    size = pixels * scale / np.sqrt(np.mean(across**2 + down**2))
    return moved(film, across * size, down * size, cv2.BORDER_REPLICATE)


def distorted(film: Film, share: float) -> Film:
    """Displaced along the gradient of smooth noise, by a share of the side at most."""
    scale = film.shape[0] / 512
    noise = cv2.GaussianBlur(np.random.default_rng(3).standard_normal(film.shape), (0, 0), 40 * scale)
    down, across = np.gradient(noise)
    size = share * film.shape[0] / max(np.abs(down).max(), np.abs(across).max())
    return moved(film, -size * across, -size * down)


def bulged(film: Film, x: float, y: float, amount: float) -> Film:
    """Barrel, or pincushion for a negative amount, in a radius of 0.3 of the side."""
    side = film.shape[0]
    rows, columns = np.mgrid[:side, :side]
    across, down = columns - x * side, rows - y * side
    distance = np.hypot(across, down)
    inside = (distance > 0) & (distance < 0.3 * side)
    factor = np.where(inside, np.sin(np.pi / 2 * np.where(inside, distance / (0.3 * side), 1)) ** amount, 1)
    return moved(film, across * (factor - 1), down * (factor - 1))


def rotated(film: Film, degrees: float) -> Film:
    """About half the side, as the reference does: a quarter turn leaves a line of the border's colour."""
    matrix = cv2.getRotationMatrix2D((film.shape[1] / 2, film.shape[0] / 2), degrees, 1)
    return cv2.warpAffine(film, matrix, film.shape[::-1], borderValue=int(film[2, 2]))


def shrunk(film: Film, share: float) -> Film:
    small = cv2.resize(film, None, fx=share, fy=share)
    canvas = np.full_like(film, film[2, 2])
    top, left = ((whole - part) // 2 for whole, part in zip(film.shape, small.shape, strict=True))
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def scaled(film: Film, across: float, down: float) -> Film:
    return cv2.resize(film, None, fx=across, fy=down, interpolation=cv2.INTER_AREA)


def jpeg(film: Film) -> Film:
    return cv2.imdecode(cv2.imencode(".jpg", film, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_UNCHANGED)


PROTOCOL: dict[str, Callable[[Film], Film]] = {
    "itself": lambda film: film,
    "hflip": lambda film: film[:, ::-1],
    "vflip": lambda film: film[::-1],
    **{f"rotated {angle}": lambda film, angle=angle: rotated(film, angle) for angle in (60, 90, 120, 180, 270)},
    "elastic, sigma 8": elastic,
    "elastic, sigma 10": lambda film: elastic(film, 2.1, 10),
    "distorted 0.02": lambda film: distorted(film, 0.02),
    "distorted 0.03": lambda film: distorted(film, 0.03),
    "shrunk 0.8": lambda film: shrunk(film, 0.8),
    "shrunk 0.7": lambda film: shrunk(film, 0.7),
    **{
        f"barrel at {x}, {y}": lambda film, x=x, y=y: bulged(film, x, y, 0.3)
        for x, y in ((0.3, 0.3), (0.7, 0.3), (0.5, 0.5), (0.3, 0.7), (0.7, 0.7))
    },
    "pincushion": lambda film: bulged(film, 0.5, 0.5, -0.3),
    "brightened": lambda film: cv2.convertScaleAbs(film, alpha=1.2, beta=10),
    "sharpened": lambda film: cv2.filter2D(film, -1, np.float32([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])),
}
"""The copies that the reference systems make of each image before they split the files."""

ENCODED: dict[str, Callable[[Film], Film]] = {
    "jpeg": jpeg,
    "half": lambda film: scaled(film, 0.5, 0.5),
    "third": lambda film: scaled(film, 1 / 3, 1 / 3),
    "stretched": lambda film: scaled(film, 1, 0.7),
    "letterboxed": lambda film: cv2.copyMakeBorder(film, 0, 0, 64, 64, cv2.BORDER_CONSTANT, value=0),
    "16 bit": lambda film: film.astype(np.uint16) * 257,
    "RGB, third, turned, jpeg": lambda film: np.stack([jpeg(np.rot90(scaled(film, 1 / 3, 1 / 3)))] * 3, axis=-1),
}

COPIES = {name: copy for name, copy in {**PROTOCOL, **ENCODED}.items() if name not in {"rotated 60", "rotated 120"}}


def phantoms(root: Path, women: int, size: int, seed: int) -> list[Film]:
    write_phantoms(root, women=women, size=size, seed=seed)
    return [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(root.glob("*.pgm"))]


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Film]:
    return phantoms(tmp_path_factory.mktemp("films") / "phantoms", women=5, size=256, seed=7)


@pytest.fixture(scope="module")
def mammograms() -> list[Film]:
    """Real films, one of each patient and view; the number in a file's name tells the film it was made from."""
    if not MAMMOGRAMS.is_dir():
        pytest.skip(f"{MAMMOGRAMS} is not here")
    by_film = {re.findall(r"\d+", path.stem)[-1]: path for path in sorted(MAMMOGRAMS.glob("*.png"), reverse=True)}
    return [cv2.resize(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), (256, 256)) for path in by_film.values()]


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("kind", ["films", "mammograms"])
def test_a_copy_is_found_and_nothing_else(kind: str, copy: Callable[[Film], Film], request) -> None:
    sources = request.getfixturevalue(kind)
    signatures = [signature(film) for film in sources] + [signature(copy(film)) for film in sources]
    assert found(signatures) == {(place, len(sources) + place) for place in range(len(sources))}


@pytest.mark.parametrize(("women", "size", "seed"), [(60, 256, 7), (100, 128, 1)])
def test_unrelated_films_are_no_near_duplicates(women: int, size: int, seed: int, tmp_path: Path) -> None:
    assert not found([signature(film) for film in phantoms(tmp_path / "films", women, size, seed)])


def test_plain_shapes_are_no_near_duplicates() -> None:
    rng = np.random.default_rng(0)
    images = []
    for _ in range(300):
        image = np.zeros((256, 256), np.uint8)
        for _ in range(rng.integers(1, 4)):
            centre, axes = rng.integers(40, 216, 2).tolist(), rng.integers(10, 80, 2).tolist()
            cv2.ellipse(image, centre, axes, float(rng.integers(180)), 0, 360, int(rng.integers(50, 255)), -1)
        images.append(signature(image))
    assert not found(images)


def test_warped_films_of_one_source_are_found_among_real_ones() -> None:
    if not MAMMOGRAMS.is_dir():
        pytest.skip(f"{MAMMOGRAMS} is not here")
    paths = sorted(MAMMOGRAMS.glob("*.png"))
    films = [re.findall(r"\d+", path.stem)[-1] for path in paths]
    same = {(i, j) for j in range(len(films)) for i in range(j) if films[i] == films[j]}
    assert len(same) == 3
    assert found([signature(cv2.imread(str(path))) for path in paths]) == same


@pytest.mark.parametrize("seed", [0, 1])
def test_every_source_that_leaks_under_the_reference_protocol_is_named(films: list[Film], seed: int) -> None:
    """Copies first, then files drawn into splits of 80, 15 and 5 %."""
    sources = np.repeat(range(len(films)), len(PROTOCOL))
    signatures = [signature(copy(film)) for film in films for copy in PROTOCOL.values()]
    splits = np.random.default_rng(seed).choice(3, len(signatures), p=[0.8, 0.15, 0.05])
    pairs = found(signatures, list(splits))
    assert all(splits[one] != splits[other] for one, other in pairs)
    assert all(sources[one] == sources[other] for one, other in pairs)
    leaking = {source for source in sources if len(set(splits[sources == source])) > 1}
    assert leaking == {sources[one] for one, _ in pairs} == set(range(len(films)))


def pattern(seed: int) -> np.ndarray:
    """`(64, 64)` int8 smooth noise in place of a signature."""
    noise = cv2.GaussianBlur(np.random.default_rng(seed).standard_normal((64, 64)), (0, 0), 1.5)
    return (noise / noise.std() * 30).clip(-127, 127).astype(np.int8)


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """By definition: pieces of 8 x 8 moved by up to 2, correlation of the worse half by contrast."""
    padded = np.pad(other.astype(float), 2)
    fits = []
    for top in range(0, 64, 8):
        for left in range(0, 64, 8):
            piece = one[top : top + 8, left : left + 8].astype(float).ravel()
            windows = [
                padded[top + down : top + down + 8, left + across : left + across + 8].ravel()
                for down in range(5)
                for across in range(5)
            ]
            fit = max(np.corrcoef(piece, window)[0, 1] for window in windows)
            fits.append((fit, np.sqrt(piece.std() * windows[12].std())))
    fits.sort()
    half, total, weight, used = sum(weight for _, weight in fits) / 2, 0.0, 0.0, 0
    while weight < half:
        total, weight, used = total + fits[used][0] * fits[used][1], weight + fits[used][1], used + 1
    return total / weight


@pytest.mark.parametrize("noise", [0, 10, 20])
def test_the_similarity_is_that_of_the_definition(noise: int) -> None:
    one = pattern(0)
    other = (pattern(0) + np.random.default_rng(1).normal(0, noise, (64, 64))).clip(-127, 127).astype(np.int8)
    (pair,) = find_near_duplicates([one.tobytes(), other.tobytes()])
    assert pair.similarity == pytest.approx(similarity(one, other), abs=1e-4)


def test_all_eight_turns_are_the_same_image() -> None:
    turns = [np.rot90(image, turns) for image in (pattern(0), pattern(0).T) for turns in range(4)]
    pairs = list(find_near_duplicates([turn.tobytes() for turn in turns]))
    assert len(pairs) == 8 * 7 / 2
    assert min(pair.similarity for pair in pairs) > 0.999


def test_pieces_may_move_by_two_pixels_but_not_by_four() -> None:
    # Tiles of 8 pixels that come back every 16 keep the coarse descriptors alike whatever moves.
    one = np.repeat(np.repeat(pattern(1)[::8, ::8], 8, 0), 8, 1) // 2 + pattern(2) // 2
    moved_by = {step: np.roll(one, step, axis=1).tobytes() for step in (2, 4)}
    assert found([one.tobytes(), moved_by[2]]) == {(0, 1)}
    assert not found([one.tobytes(), moved_by[4]])


def test_a_shift_of_two_pixels_both_ways_passes_the_coarse_comparison() -> None:
    images = [pattern(seed) for seed in range(10)]
    moved = [np.roll(image, (2, 2), axis=(0, 1)) for image in images]
    assert found([image.tobytes() for image in images + moved]) == {(place, 10 + place) for place in range(10)}


def test_images_alike_in_less_than_half_are_not_the_same() -> None:
    one, other = pattern(0), pattern(0)
    other[:, 24:] = pattern(1)[:, 24:]
    assert not found([one.tobytes(), other.tobytes()])


def test_only_pairs_across_splits_are_looked_for_where_splits_are_given() -> None:
    same = [pattern(0).tobytes()] * 4 + [pattern(1).tobytes()] * 2
    assert found(same, [2, 0, 0, 1, 1, 1]) == {(0, 1), (0, 2), (0, 3), (1, 3), (2, 3)}
    assert found(same) == {(i, j) for j in range(4) for i in range(j)} | {(4, 5)}


def test_without_details_there_is_nothing_to_compare() -> None:
    assert not found([bytes(4096)] * 3)
    assert not found([])
    assert found([bytes(4096), pattern(0).tobytes(), bytes(4096), pattern(0).tobytes()]) == {(1, 3)}


def test_signatures_without_contrast_where_the_other_has_it_are_not_alike() -> None:
    flat = np.kron(pattern(0)[::16, ::16], np.ones((16, 16), np.int8))
    assert not found([flat.tobytes()] * 2)


def test_many_equal_images_give_few_pairs_with_each_image_in_one() -> None:
    pairs = list(find_near_duplicates([pattern(0).tobytes()] * 100, limit=3))
    assert len(pairs) == len(set(pairs)) == 97 * 3 + 2 + 1
    assert {place for pair in pairs for place in pair[:2]} == set(range(100))


def test_the_closest_are_looked_at_first() -> None:
    rng = np.random.default_rng(0)
    noisy = [(pattern(0) + rng.normal(0, noise, (64, 64))).clip(-127, 127).astype(np.int8) for noise in (9, 0, 15, 4)]
    images = [pattern(0).tobytes(), *(image.tobytes() for image in noisy)]
    assert found(images, [0, 1, 1, 1, 1], limit=2) == {(0, 2), (0, 4)}


def test_blocks_change_nothing(films: list[Film], monkeypatch: pytest.MonkeyPatch) -> None:
    copies = (PROTOCOL["hflip"], PROTOCOL["elastic, sigma 8"], ENCODED["third"])
    signatures = [signature(copy(film)) for copy in copies for film in films]
    splits = [place % 3 for place in range(len(signatures))]
    whole = [found(signatures), found(signatures, splits), found(signatures, limit=1)]
    monkeypatch.setattr(near_duplicates, "_BLOCK", 4)
    assert [found(signatures), found(signatures, splits), found(signatures, limit=1)] == whole


def test_signatures_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="signature 1 has 4095 bytes, expected 4096"):
        found([bytes(4096), bytes(4095)])


def test_splits_must_match_the_signatures() -> None:
    with pytest.raises(ValueError, match="1 splits for 2 signatures"):
        found([bytes(4096)] * 2, [0])
