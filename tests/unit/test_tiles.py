"""Tiles: every pixel is covered, no tile more than needed, and the same empty ones are kept wherever they are asked."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.imaging.geometry.placement import Placement
from components.imaging.geometry.tiles import keep_empty, tile_ids, tile_placements

EDGES = ("overlap", "pad", "stretch")


@st.composite
def cuts(draw: st.DrawFn, longest: int = 5000, most: int = 40) -> tuple[int, int, int, int, int, str]:
    """Arguments of `tile_placements`, for up to about `most` tiles along an axis."""
    height, width = draw(st.integers(1, longest)), draw(st.integers(1, longest))
    least = math.ceil(max(height, width) / most)
    tile_height, tile_width = draw(st.integers(least, 2 * longest)), draw(st.integers(least, 2 * longest))
    overlap = draw(st.integers(0, min(tile_height, tile_width) - least))
    return height, width, tile_height, tile_width, overlap, draw(st.sampled_from(EDGES))


def spans(tiles: list[Placement]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """First and last + 1 row of each row of tiles in the content, and the same of columns."""
    rows = sorted({(-tile.top, -tile.top + tile.height) for tile in tiles})
    columns = sorted({(-tile.left, -tile.left + tile.width) for tile in tiles})
    assert len(tiles) == len(rows) * len(columns)
    return rows, columns


def unit_of(tile: int, overlap: int) -> int:
    """Of what tiles begin at multiples."""
    unit = 1
    while tile % (2 * unit) == 0 and 2 * unit <= min(tile // 8, tile - overlap):
        unit *= 2
    return unit


def farthest(last: int, tile: int, overlap: int, unit: int) -> list[int]:
    """Where tiles begin whose last begins at `last`, each as far from the one before as it may be."""
    begins = [0]
    while begins[-1] < last:
        reached = begins[-1] + tile - overlap
        begins.append(last if reached >= last else reached // unit * unit)
    return begins


@given(cuts())
def test_tiles_cover_every_pixel_with_the_least_overlap_and_number(cut: tuple[int, int, int, int, int, str]) -> None:
    height, width, tile_height, tile_width, overlap, edge = cut
    tiles = tile_placements(*cut)
    first = tiles[0]
    axes = [
        (height, first.content_height, tile_height, spans(tiles)[0]),
        (width, first.content_width, tile_width, spans(tiles)[1]),
    ]
    for size, content, tile, along in axes:
        unit = unit_of(tile, overlap)
        begins = [begin for begin, _ in along]
        assert begins[0] == 0
        assert along[-1][1] >= content
        assert all(end - begin == tile for begin, end in along)
        shared = [end - begin for (_, end), (begin, _) in pairwise(along)]
        assert all(count >= overlap for count in shared)
        assert not any(begin % unit for begin in (begins[:-1] if edge == "overlap" else begins))
        if edge == "overlap":
            assert content == size
            assert along[-1][1] == max(size, tile)
            assert len(begins) == len(farthest(max(0, size - tile), tile, overlap, unit))
            assert not shared or max(shared) - min(shared) < 2 * unit
        else:
            assert {count - overlap for count in shared} <= {(tile - overlap) % unit}
            assert len(begins) == 1 or along[-2][1] < size
            assert content == (size if edge == "pad" else along[-1][1])


@given(cuts())
def test_tiles_share_their_content_and_come_row_by_row(cut: tuple[int, int, int, int, int, str]) -> None:
    tiles = tile_placements(*cut)
    assert {(tile.source_height, tile.source_width) for tile in tiles} == {cut[:2]}
    assert len({(tile.content_height, tile.content_width) for tile in tiles}) == 1
    assert {(tile.height, tile.width) for tile in tiles} == {cut[2:4]}
    corners = [(-tile.top, -tile.left) for tile in tiles]
    assert corners == sorted(set(corners))


@given(cuts(longest=60, most=8))
def test_tiles_give_the_image_back(cut: tuple[int, int, int, int, int, str]) -> None:
    pixels = np.random.default_rng(0).integers(1, 65536, cut[:2], np.uint16)
    tiles = tile_placements(*cut)
    scaled = tiles[0].scaled(pixels)
    if cut[-1] != "stretch":
        assert scaled is pixels
    back = np.zeros((tiles[0].content_height + 200, tiles[0].content_width + 200), np.uint16)
    for tile in tiles:
        window = tile.placed(scaled)
        np.testing.assert_array_equal(window, tile.image(pixels))
        assert window.shape == cut[2:4]
        back[-tile.top : tile.height - tile.top, -tile.left : tile.width - tile.left] = window
    np.testing.assert_array_equal(back[: scaled.shape[0], : scaled.shape[1]], scaled)
    assert not back[scaled.shape[0] :].any()
    assert not back[:, scaled.shape[1] :].any()


@given(cuts(longest=60, most=8))
def test_dots_lie_where_the_tile_says(cut: tuple[int, int, int, int, int, str]) -> None:
    """Every pixel has its own value; a tile that shows it says where it lies in the source."""
    height, width, *_, edge = cut
    pixels = np.arange(1, height * width + 1, dtype=np.float32).reshape(height, width)
    for tile in tile_placements(*cut):
        mask = tile.mask(pixels)
        found = np.argwhere(mask)
        source = np.argwhere(pixels)[mask[mask > 0].astype(int) - 1]
        rows, columns = tile.to_source(*found.T)
        # Without scaling the pixel itself, else the one whose area the point lies in.
        assert np.abs(np.stack([rows, columns], axis=1) - source).max() <= (0.5 + 1e-9 if edge == "stretch" else 1e-9)
        np.testing.assert_allclose(np.stack(tile.to_record(rows, columns), axis=1), found, atol=1e-9)


@pytest.mark.parametrize("edge", EDGES)
def test_an_image_that_is_a_multiple_stays_as_it_is(edge: str) -> None:
    """One row and column too many would resize each image of 2048 x 1536 pixels to 5 x 4 tiles."""
    tiles = tile_placements(1536, 2048, 512, 512, 0, edge)
    assert [(-tile.top, -tile.left) for tile in tiles] == [
        (row, column) for row in (0, 512, 1024) for column in (0, 512, 1024, 1536)
    ]
    assert (tiles[0].content_height, tiles[0].content_width) == (1536, 2048)


@pytest.mark.parametrize(
    ("size", "overlap", "edge", "content", "starts"),
    [
        # 1000 pixels in tiles of 512
        pytest.param(1000, 0, "overlap", 1000, [0, 488], id="the last ends at the border"),
        pytest.param(1000, 24, "overlap", 1000, [0, 488], id="just enough overlap"),
        pytest.param(1000, 25, "overlap", 1000, [0, 256, 488], id="one tile more, at a multiple of 64"),
        pytest.param(1500, 100, "overlap", 1500, [0, 384, 704, 988], id="spread evenly, at multiples of 64"),
        pytest.param(1442, 30, "overlap", 1442, [0, 448, 930], id="the last may be farther"),
        pytest.param(1000, 64, "pad", 1000, [0, 448, 896], id="black beyond"),
        pytest.param(1000, 20, "pad", 1000, [0, 448, 896], id="black beyond, at multiples of 64"),
        pytest.param(1000, 0, "stretch", 1024, [0, 512], id="up to the multiple"),
        pytest.param(1024, 64, "stretch", 1408, [0, 448, 896], id="up to what fits with overlap"),
        pytest.param(960, 64, "stretch", 960, [0, 448], id="fits with overlap"),
        pytest.param(512, 64, "overlap", 512, [0], id="one tile"),
        pytest.param(513, 0, "pad", 513, [0, 512], id="a pixel too many"),
        pytest.param(300, 0, "overlap", 300, [0], id="small"),
        pytest.param(300, 0, "pad", 300, [0], id="small and padded"),
        pytest.param(1, 511, "stretch", 512, [0], id="a pixel stretched"),
    ],
)
def test_where_tiles_begin(size: int, overlap: int, edge: str, content: int, starts: list[int]) -> None:
    down = tile_placements(size, 512, 512, 512, overlap, edge)
    across = tile_placements(512, size, 512, 512, overlap, edge)
    assert [(-tile.top, -tile.left) for tile in down] == [(start, 0) for start in starts]
    assert [(-tile.top, -tile.left) for tile in across] == [(0, start) for start in starts]
    assert {tile.content_height for tile in down} == {tile.content_width for tile in across} == {content}


@pytest.mark.parametrize("overlap", [-1, 32, 33])
def test_an_overlap_that_is_no_part_of_a_tile_is_refused(overlap: int) -> None:
    with pytest.raises(ValueError, match=f"tiles of 32 x 48 pixels cannot overlap by {overlap}: expected 0 to 31"):
        tile_placements(100, 100, 32, 48, overlap, "overlap")


def test_an_unknown_edge_is_refused() -> None:
    with pytest.raises(ValueError, match="no edge of tiles is called 'mirror': expected overlap, pad or stretch"):
        tile_placements(100, 100, 32, 48, 0, "mirror")


def test_ids_name_row_and_column() -> None:
    tiles = tile_placements(1536, 2048, 512, 512, 0, "pad")
    assert list(tile_ids("a_b", tiles)) == [f"a_b_{row}x{column}" for row in range(3) for column in range(4)]
    assert list(tile_ids("x", tile_placements(1, 1, 512, 512, 0, "pad"))) == ["x_0x0"]


class TestKeepEmpty:
    IDS = tuple(f"film{film:03d}_{row}x{column}" for film in range(200) for row in range(5) for column in range(10))

    @pytest.mark.parametrize("share", [0.03, 0.25, 0.5, 0.9])
    @pytest.mark.parametrize("salt", ["", "b"])
    def test_it_keeps_the_share(self, share: float, salt: str) -> None:
        kept = sum(keep_empty(tile, share, salt) for tile in self.IDS)
        deviation = math.sqrt(share * (1 - share) / len(self.IDS))
        assert kept / len(self.IDS) == pytest.approx(share, abs=3 * deviation)

    def test_none_and_all_are_exact(self) -> None:
        assert not any(keep_empty(tile, 0.0, "") for tile in self.IDS)
        assert all(keep_empty(tile, 1.0, "") for tile in self.IDS)

    def test_a_larger_share_keeps_all_of_a_smaller_one(self) -> None:
        kept = {share: {tile for tile in self.IDS if keep_empty(tile, share, "")} for share in (0.2, 0.4)}
        assert kept[0.2] < kept[0.4]

    def test_the_salt_draws_anew(self) -> None:
        one, other = ({tile for tile in self.IDS if keep_empty(tile, 0.5, salt)} for salt in "ab")
        assert len(one & other) / len(self.IDS) == pytest.approx(0.25, abs=0.02)

    def test_it_follows_from_the_hash_of_salt_and_id(self) -> None:
        """SHA-256 of `s/a_0x0` begins with these 8 bytes (sha256sum): versions and machines must agree."""
        digest = int("0053eb993386d7ce", 16) / 2**64
        assert keep_empty("a_0x0", digest + 1e-9, "s")
        assert not keep_empty("a_0x0", digest - 1e-9, "s")
