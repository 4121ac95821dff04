"""Tables of CBIS-DDSM: a row for each abnormality, with the paths of its film, of its mask and of a crop of both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from components.imaging.annotations.content import Table
from components.imaging.annotations.document import AnnotatedImage, Format, MaskFile
from components.imaging.truth.shapes import UnclearShape

_IMAGE, _MASK, _CROP = "image file path", "roi mask file path", "cropped image file path"


def read_cbis_ddsm(content: Table, _stem: str) -> list[AnnotatedImage]:
    """The films with the masks of their abnormalities, whose label is the pathology; a group is a patient.

    Raises:
        UnclearShape: a row without film or mask.
    """
    films: dict[str, list[tuple[int, Mapping[str, str]]]] = defaultdict(list)
    for line, row in content.rows:
        if not row.get(_IMAGE) or not row.get(_MASK):
            raise UnclearShape(f"line {line} has no {_MASK if row.get(_IMAGE) else _IMAGE}")
        films[row[_IMAGE]].append((line, row))
    return [_film(path, rows) for path, rows in films.items()]


def _film(path: str, rows: list[tuple[int, Mapping[str, str]]]) -> AnnotatedImage:
    return AnnotatedImage(
        path,
        (),
        masks=tuple(MaskFile(f"line {line}", row.get("pathology", "").lower(), row[_MASK]) for line, row in rows),
        beside=tuple(row[_CROP] for _, row in rows if row.get(_CROP)),
        group=rows[0][1].get("patient_id", ""),
        # Copies in one folder are named after that of the film.
        otherwise=PurePosixPath(path).parts[0],
        least_parts=2,
    )


def _is_cbis_ddsm(content: Any) -> bool:
    return isinstance(content, Table) and {_IMAGE, _MASK} <= {*content.columns}


FORMAT = Format(name="cbis_ddsm", title="a table of CBIS-DDSM", told=_is_cbis_ddsm, read=read_cbis_ddsm)
