"""Images that are neither images nor masks of what was understood: what they seem to be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from components.example_gen.layouts.templates import Template
from components.example_gen.samples import Listing
from pipeline.runs.init.paths import FoundPaths
from pipeline.runs.init.questions import Question
from pipeline.runs.init.roles import Role, roles_of
from pipeline.runs.init.understanding import Row, Understanding

_SHOWN = 3
_ENDING = re.compile(r"[\W_][^\W_]+$")
_LEAST_PAIRED = 0.5
"""Share of the images from which on those without a mask are no question."""


def tell_left(found: Understanding, names: Sequence[str], paths: FoundPaths) -> None:
    """Adds rows of the images that no template matches.

    Args:
        names: of all images, without suffix.
    """
    known = [Template(each) for each in (paths.image, *paths.masks, paths.region, *paths.rounds) if each]
    without = {name for each in paths.without.values() for name in each}
    left = [name for name in names if name not in without and not any(each.match(name) for each in known)]
    modalities = _modalities([name for name in names if Template(paths.image).match(name)], left, paths.image)
    if modalities:
        read = paths.image.rpartition("{name}")[2] or "that without an ending"
        told = f"images of one case that end in {', '.join(sorted({*modalities.values()}))}: not read"
        found.rows.append(Row("modalities", told, f"an image is read alone, here {read}: [data.paths] image chooses"))
        found.unsure.append(f"that of several modalities of a case {read} is meant")
    found.left = [name for name in left if name not in modalities]
    folders = Counter(PurePosixPath(name).parent.as_posix() for name in found.left)
    if folders:
        told = "\n".join(f"{folder}: {count} images" for folder, count in folders.most_common(_SHOWN))
        more = f"\nand {len(folders) - _SHOWN} folders more" if len(folders) > _SHOWN else ""
        why = "no template matches them: maskline init takes one kind at a time"
        found.rows.append(Row("not read", told + more, why))
        found.unsure.append(f"that {folders.total()} images that no template matches are no part of it")


def ask_of_unpaired(found: Understanding, listing: Listing) -> None:
    """A question where under half of the images have a mask."""
    roles = roles_of(found.left)
    alone = [each.source for each in listing.rejects if each.kind == "pairing"]
    alone += [name for name in found.left if roles[name] == Role.IMAGE]
    images = len(listing.samples) + len(alone)
    if len(listing.samples) >= _LEAST_PAIRED * images:
        return
    told = f"{len(alone)} of {images} pair with no mask, or with no image, as {alone[0]}"
    found.rows.append(Row("unpaired", told, f"of {len(listing.samples)} the mask is found"))
    text = f"[data]: {told}. Are those that pair all that is meant? If so, remove this line from `questions`."
    found.questions.append(Question(text, {"yes": {}}, None))


def _modalities(images: Sequence[str], left: Iterable[str], template: str) -> dict[str, str]:
    """Of what is left the images of a case of which another is read, with the ends of their names."""
    ending = template.rpartition("{name}")[2]
    cases = {image[: len(image) - len(ending)] for image in images} if "*" not in ending else set()
    ends = {name: found[0] for name in left if (found := _ENDING.search(name)) and name[: found.start()] in cases}
    roles = roles_of([*images, *ends])
    return {name: end for name, end in ends.items() if roles[name] == Role.IMAGE}
