"""Samples of images and of what documents of annotations tell of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from components.example_gen.annotated import Document
from components.example_gen.drawing import gravest, left_out
from components.example_gen.image_names import Ambiguous, ImageNames
from components.example_gen.layouts.settings import Reading
from components.example_gen.samples import NO_SPLIT, Drawing, MaskFiles, Reject, Sample, without_suffix
from components.foreign import foreign
from components.imaging.annotations.document import AnnotatedImage, MaskFile, Piece
from components.imaging.truth.shapes import Shape, UnclearShape

_SEVERITIES = {"malignant", "benign", "normal"}


def reject(root: Path, path: Path, kind: str, reason: str) -> Reject:
    return Reject(path.relative_to(root).as_posix(), kind, reason)


class Pairing:
    """The images of a folder, and what documents tell of them."""

    def __init__(self, root: Path, folder: Path, paths: Sequence[Path], data: Reading) -> None:
        self._root, self._folder, self._paths, self._data = root, folder, paths, data
        self._names = ImageNames(root, paths)

    def found(self, documents: Sequence[Document]) -> Iterator[Sample | Reject]:
        """Each image and each name once."""
        told: dict[Path, list[tuple[str, AnnotatedImage]]] = defaultdict(list)
        for document in documents:
            source = self._source(document.path)
            for image in document.images:
                try:
                    told[self._image(image, source)].append((source, image))
                except Ambiguous as error:
                    yield Reject(image.file, "pairing", f"{source}: {error}")
                except LookupError:
                    yield Reject(image.file, "pairing", f"in {source}, but there is no such image")
        beside = self._beside(image for each in told.values() for _, image in each)
        ids: dict[str, list[Path]] = defaultdict(list)
        for path in self._paths:
            if path not in beside:
                ids[without_suffix(path.relative_to(self._folder)).as_posix()].append(path)
        for name, twins in ids.items():
            for path in twins:
                if len(twins) > 1:
                    reason = f"several files of one name: {', '.join(twin.name for twin in twins)}"
                    yield reject(self._root, path, "pairing", reason)
                else:
                    yield self._made(name, self._source(path), told[path])

    def _source(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _image(self, image: AnnotatedImage, document: str) -> Path:
        try:
            found = self._names.find(image.file, goes_on=image.goes_on, least_parts=image.least_parts)
            found = found or (self._names.find(image.otherwise) if image.otherwise else None)
        except Ambiguous as error:
            found = self._nearest(error.found, document)
            if found is None:
                raise
        if found is None:
            raise LookupError
        return found

    def _nearest(self, paths: Sequence[Path], document: str) -> Path | None:
        """The only one beside a document, else the only one of its split: each split may number its images anew."""
        beside = [path for path in paths if path.parent == (self._root / document).parent]
        split = self._split(document)
        alike = [path for path in paths if split and self._split(self._source(path.parent)) == split]
        return next((each[0] for each in (beside, alike) if len(each) == 1), None)

    def _split(self, *places: str) -> str:
        """What the first of some folders and documents tells, by its own name, or by that of a folder around it."""
        paths = map(PurePosixPath, places)
        names = (name for path in paths for name in (without_suffix(path).name, *reversed(path.parts)))
        return next((self._data.told_splits[name] for name in names if name in self._data.told_splits), "")

    def _beside(self, images: Iterable[AnnotatedImage]) -> set[Path]:
        """The files that belong to an image and are none of their own."""
        found = set()
        for image in images:
            for name in (*image.beside, *(mask.file for mask in image.masks)):
                try:
                    found.add(self._names.find(name, least_parts=image.least_parts))
                except Ambiguous:
                    continue
        return {path for path in found if path}

    def _made(self, name: str, source: str, told: Sequence[tuple[str, AnnotatedImage]]) -> Sample | Reject:
        split = self._split(PurePosixPath(source).parent.as_posix(), *(document for document, _ in told))
        if split == "none":
            return Reject(source, NO_SPLIT, "[data] told_splits leave it out")
        if not told:
            return Reject(source, "pairing", "no document names it: whether it shows anything is not known")
        if len(told) > 1:
            where = ", ".join(sorted({document for document, _ in told}))
            return Reject(source, "pairing", f"named {len(told)} times, in {where}: which is right is not known")
        [(document, image)] = told
        try:
            found = self._sample(name, source, image)
        except UnclearShape as error:
            return Reject(source, "truth", f"{document}: {error}")
        return replace(found, split=split) if isinstance(found, Sample) else found

    def _sample(self, name: str, source: str, image: AnnotatedImage) -> Sample | Reject:
        if image.fault:
            raise UnclearShape(image.fault)
        labels = [label.strip().casefold() for label in self._data.labels]
        parts: list[Piece | MaskFile] = [*image.pieces, *image.masks]
        wanted = [part for part in parts if not labels or part.label.casefold() in labels]
        if parts and not wanted:
            return left_out(source, {part.label.casefold() for part in parts}, labels)
        return Sample(
            id=name,
            group=image.group or name,
            image=source,
            truth=self._truth(image, wanted),
            label=_label({part.label.lower() for part in wanted} - {""}),
        )

    def _truth(self, image: AnnotatedImage, wanted: Iterable[Piece | MaskFile]) -> Drawing | MaskFiles:
        shapes: list[Shape] = []
        masks: list[tuple[str, int]] = []
        for part in wanted:
            try:
                index = _class_of(part.label, self._data.classes)
                if isinstance(part, Piece):
                    shapes.append(Shape(part.outline, index))
                else:
                    masks.append((self._source(self._mask(part, image.least_parts)), index))
            except UnclearShape as error:
                raise UnclearShape(f"{part.record}: {error}") from error
        if not masks:
            return Drawing(tuple(shapes), canvas=image.size)
        paths, classes = zip(*masks, strict=True)
        return MaskFiles(paths, classes, fitted=True)

    def _mask(self, mask: MaskFile, least_parts: int) -> Path:
        with foreign(UnclearShape, "its mask"):
            if found := self._names.find(mask.file, least_parts=least_parts):
                return found
        raise UnclearShape(f"there is no mask {mask.file}")


def _class_of(label: str, classes: Sequence[str]) -> int:
    """Where `[data] classes` names some, one of them; a single one needs no name."""
    if not classes or (len(classes) == 1 and not label):
        return 1
    names = [name.casefold() for name in classes]
    if label.casefold() not in names:
        what = f"of class {label!r}, which is" if label else "of no class, which is"
        raise UnclearShape(f"{what} none of [data] classes: {', '.join(classes)}; [data] labels chooses what is drawn")
    return names.index(label.casefold()) + 1


def _label(labels: set[str]) -> str:
    """That of all shapes of an image, or the gravest."""
    return gravest(labels) if len(labels) == 1 or (labels and labels <= _SEVERITIES) else ""
