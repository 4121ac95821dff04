"""What a file seems to be, by the words of its name and of the folders around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import PurePosixPath


class Role(StrEnum):
    IMAGE = "image"
    MASK = "mask"
    REGION = "region"
    OTHER = "other"
    """A picture of the data, not the data."""


_WORDS: Mapping[Role, re.Pattern[str]] = {
    role: re.compile(words, re.IGNORECASE)
    for role, words in {
        Role.REGION: r"fov|roi|region|fieldofview",
        Role.OTHER: r"overlays?|previews?|thumb(nail)?s?|visuali[sz]ations?|colou?ri[sz]ed|contours?",
        Role.MASK: r"masks?\d*|labels?(tr|ts)?|gts?\d*|groundtruths?|truths?|seg|segm|segmentations?"
        r"|segmentation(class|object)|segmented|annotations?|annots?|annos?|manual\d*|lesions?masks?|targets?"
        r"|\d(st|nd|rd|th)(ho|observer|expert|reader|rater)"
        r"|masken?|segmentierung(en)?|masques?|m[aá]scaras?|mascher[ae]|маск[аи]|разметк[аи]|掩码|掩膜|标签|标注",
        Role.IMAGE: r"images?(tr|ts)?|imgs?|jpegimages|raw|rawimages?|scans?|photos?|originals?|inputs?"
        r"|bild(er)?|aufnahmen?|im[aá]gen(es)?|imagens?|imagem|immagin[ei]|изображени[ея]|снимк[аи]|снимок|图像|图片|影像",
    }.items()
}
_WEAK = re.compile(r"lesions?", re.IGNORECASE)
"""Say mask where nothing else does: folders of images are called so, too."""
_PIECE = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_BREAK = re.compile(r"[\W_]+")


def words_of(text: str) -> list[str]:
    """The parts of a name between what is no letter and no digit."""
    return [word for word in _BREAK.split(text) if word]


def roles_of(paths: Sequence[str]) -> dict[str, Role]:
    """Of paths without suffix, with `/`. What nothing tells is an image.

    A name's own words say more than those of folders, deeper folders more than those above; what all names have says
    nothing.
    """
    common = _common(paths)
    roles = {path: _role(path, common) for path in paths}
    if Role.MASK in roles.values():
        return roles
    return {path: Role.MASK if _is_weak(path, common) else role for path, role in roles.items()}


def role_of_folder(folder: str) -> Role | None:
    """What a folder holds, by its name; None where that tells nothing."""
    return _told([_BREAK.sub("", folder), *words_of(folder)])


def without_role(stem: str) -> str:
    """Without the word that ends a name such as `img7GT`, where that tells a mask."""
    found = re.fullmatch(r"(.*\d)([^\W\d_]+)", stem)
    return found[1] if found and _told([found[2]]) == Role.MASK else stem


def _role(path: str, common: frozenset[str]) -> Role:
    *folders, stem = PurePosixPath(path).parts
    told = [_told([word for word in words_of(stem) if word.lower() not in common])]
    told += [role_of_folder(folder) for folder in reversed(folders) if folder not in common]
    return next((role for role in told if role), Role.IMAGE)


def _is_weak(path: str, common: frozenset[str]) -> bool:
    name = words_of(PurePosixPath(path).name)
    return any(_WEAK.fullmatch(word) for word in name if word.lower() not in common)


def _told(words: Iterable[str]) -> Role | None:
    pieces = [piece for word in words for piece in (word, *_pieces(word))]
    found = {role for piece in pieces for role, known in _WORDS.items() if known.fullmatch(piece)}
    # An image of a mask is a mask, the region of an image a region.
    return next((role for role in _WORDS if role in found), None)


def _pieces(word: str) -> list[str]:
    """Those of a word such as `leftMask`, and the last of one such as `img7GT`."""
    if word.isalpha():
        return _PIECE.findall(word)
    ending = re.fullmatch(r"[^\W\d_]*\d+([^\W\d_]+)", word)
    return [ending[1]] if ending else []


def _common(paths: Sequence[str]) -> frozenset[str]:
    """Words of all names, and folders of all paths."""
    names = Counter(word.lower() for path in paths for word in set(words_of(PurePosixPath(path).name)))
    folders = Counter(folder for path in paths for folder in set(PurePosixPath(path).parts[:-1]))
    return frozenset(each for counts in (names, folders) for each, count in counts.items() if count == len(paths))
