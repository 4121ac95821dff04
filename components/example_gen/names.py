"""Names that are almost those of others: of masks, for advice to people, by which nothing is paired; and ids that
augmented copies of other samples will have."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

NameIndex = Mapping[str, Sequence[str]]

_COPY = re.compile(r"((.+?)(?:_\d+x\d+)?)\+\d+", re.DOTALL)
"""Captures the id of a record, and that of the sample that it may be a tile of."""


def index_names(names: Iterable[str]) -> NameIndex:
    """Names by each of their parts."""
    index: dict[str, list[str]] = defaultdict(list)
    for name in names:
        for part in sorted(_parts(name)):
            index[part].append(name)
    return index


def similar_name(name: str, index: NameIndex) -> str | None:
    """A name that has this one as a part; else the only one that shares a part with a number in it."""
    if _plain(name) in index:
        return index[_plain(name)][0]
    numbered = (part for part in sorted(_parts(name)) if re.search(r"\d", part))
    return next((index[part][0] for part in numbered if len(index.get(part, ())) == 1), None)


def advice(image: str, mask: str, row: str) -> str:
    """What to do that an image and a mask of similar names become a pair; `row` names both as a manifest does."""
    if _plain(image) == _plain(mask):
        return "it differs in upper and lower case, or in the coding of its accents: rename one"
    if pattern := pattern_of(image, mask):
        return f"[data] mask_pattern = '{pattern}' pairs such names"
    longer = _around(mask, image)
    more = f"{_more(longer)}, which no pattern takes away; " if longer else ""
    return f'{more}layout = "manifest" pairs any two, by rows such as {row} below image,mask in manifest.csv'


def manifest_row(image: str, *masks: str) -> str:
    """An image and its masks, as a line of `manifest.csv` has them below `image,mask`."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([image, ";".join(masks)])
    return line.getvalue()


def pattern_of(image: str, mask: str) -> str | None:
    """The `mask_pattern` by which a mask is that of an image; None where its name does not hold the image's."""
    around = _around(image, mask)
    return f"{_general(around[0])}(?P<name>.+){_general(around[1])}" if around else None


def _around(inner: str, outer: str) -> tuple[str, str] | None:
    """What stands before and behind a name within another, set off by something that is no letter."""
    match = re.fullmatch(rf"((?:.*[\W_])?){re.escape(inner)}((?:[\W_].*)?)", outer, re.DOTALL)
    return (match[1], match[2]) if match else None


def _more(around: tuple[str, str]) -> str:
    """What the name of an image has that its mask's has not."""
    before, after = around
    if not before and re.fullmatch(r"_\d{4}", after):
        return f"the image has nnU-Net's channel suffix {after!r}"
    return f"the image's name has {' and '.join(repr(part) for part in around if part)} more"


def original_of(sample_id: str, ids: Set[str]) -> str | None:
    """That one of the ids whose augmented copies, or those of its tiles, have ids like this one."""
    copy = _COPY.fullmatch(sample_id)
    return next((name for name in copy.groups() if name in ids), None) if copy else None


def unpadded(name: str) -> str:
    """With its numbers without leading zeros."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", name)


def _parts(name: str) -> set[str]:
    """The name, and what stands before and behind each of its separators."""
    return {part for part in _cuts(_plain(name)) if part}


def _cuts(name: str) -> Iterator[str]:
    yield name
    for separator in re.finditer(r"[\W_]+", name):
        yield name[: separator.start()]
        yield name[separator.end() :]


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _general(text: str) -> str:
    return re.sub(r"\d+", r"\\d+", re.escape(text))
