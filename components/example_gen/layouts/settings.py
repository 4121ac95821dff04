"""What layouts read of `[data]`: where in a folder images and truth stand, and what the truth means."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from components.example_gen.layouts.templates import IMAGE_FIELDS, MASK_FIELDS, REGION_FIELDS, Template
from components.example_gen.samples import SPLIT_NAMES, Told
from components.imaging.annotations.registry import FORMATS
from components.imaging.truth.classes import MOST_CLASSES
from components.imaging.truth.settings import Mask
from components.settings import OneOf, Section, compiled


class Paths(Section):
    """Layout `paths`: templates of paths below the input folder, without suffixes. `{name}` stands for a part without
    `/`, `*` for any text without it; of two templates that match a file, that with more letters of its own has it. An
    image and its masks have the same `{name}`, and the same other fields that the templates share."""

    image: str = "images/{name}"
    """Fields, where wanted: `{group}` (patient or slide, never split), `{label}`, `{site}`, `{split}`, as in
    `{split}/{label}/{name}`."""
    masks: Annotated[list[str], Field(min_length=1)] = ["masks/{name}"]
    """All that match belong to the image. `{class}`, where it is there, is one of the classes, as in
    `masks/{class}/{name}`."""
    region: str = ""
    """Of masks that tell which pixels carry a truth: black ones are ignored. Empty: none."""
    others: list[str] = []
    """Of files that are neither images nor masks, as masks of another observer: they are left out."""
    splits: dict[str, Told] = dict(SPLIT_NAMES)
    """What `{split}` may say, and which split it is. With `train` and `test` alone, `eval` is drawn from `train`; what
    is of `none` is left out. Empty: `{split}` tells equal names apart, and splits are drawn."""

    @property
    def tell_classes(self) -> bool:
        """Whether the path of a mask says of which class it is."""
        return any("class" in Template(text).fields for text in self.masks)

    @model_validator(mode="after")
    def _are_templates(self) -> Self:
        allowed = {"image": IMAGE_FIELDS, "masks": MASK_FIELDS, "region": REGION_FIELDS, "others": MASK_FIELDS}
        texts = [("image", self.image), ("region", self.region or "{name}")]
        texts += [("masks", text) for text in self.masks] + [("others", text) for text in self.others]
        for key, text in texts:
            for fault in Template(text).faults(allowed[key]):
                raise ValueError(f"{key} {text!r}: {fault}")
        return self


class Reading(Section):
    """The keys of `[data]` that layouts read; `Layout.keys` tells which of them reads which."""

    images: str = "images"
    masks: str = "masks"
    """Names of the two folders, read with their sub-folders, one level deep. Files are paired by name: the path within
    the folder, without suffix."""
    regions: str = ""
    """Name of a third such folder: masks of the same names that tell which pixels carry a truth, as those in a field of
    view or a region of interest; black ones are ignored, neither learnt from nor measured nor counted. Empty: none."""
    mask_pattern: str | None = None
    """Regular expression on the whole name of a mask: `(?P<name>...)` is the name of the image, `(?P<class>...)`, where
    it is there, one of the classes below. Several masks may belong to one image."""
    table: str = ""
    """Truth table, manifest, annotations or shapes, in the input folder. Empty: the layout's usual name; `annotations`:
    whatever document, or folder of them, there is. A manifest is
    CSV with a header, or TOML with `[[sample]]`: `image`, `mask` (several separated by `;`; empty: no foreground), and
    where wanted `region`, `group`, `label`, `split`, `site`, `id`."""
    told_splits: dict[str, Told] = {}
    """`annotations`: names of folders, or of documents without suffix, and which split an image is in that stands
    there, or that the document tells of; the folder comes first. What is of `none` is left out. Empty: splits are
    drawn."""
    format: Annotated[str, OneOf(["", *FORMATS])] = ""
    """`annotations`: that of the documents. Empty: told by what they hold."""
    edition: Literal["mini", "full"] = "mini"
    """`mias`: films of 1024 x 1024 pixels, or the originals of version 1.21; their coordinates are not the same."""
    labels: list[str] = []
    """`mias`, `via`, `annotations`: draw lesions of these labels alone and leave out images that have only
    others. Empty: all."""
    classes: Annotated[list[str], Field(max_length=MOST_CLASSES)] = []
    """Names of the classes 1, 2, ... in the truth. Empty: one class, foreground."""
    mask: Mask = Mask()
    paths: Paths = Paths()

    @field_validator("images", "masks", "regions", "table")
    @classmethod
    def _plain_name(cls, name: str, info: ValidationInfo) -> str:
        if not name and info.field_name in ("regions", "table"):
            return name
        path = PurePosixPath(name)
        if set(name) & set("[]{}*?\\\0") or not name or ".." in path.parts or path.is_absolute():
            raise ValueError("expected a name within the input folder, without any of [ ] { } * ? \\")
        return path.as_posix()

    @field_validator("mask_pattern")
    @classmethod
    def _names_the_image(cls, pattern: str | None) -> str | None:
        if pattern is not None and not {"name"} <= set(compiled(pattern).groupindex) <= {"name", "class"}:
            raise ValueError("expected a capture (?P<name>...), where wanted (?P<class>...), and no others with a name")
        return pattern

    @field_validator("classes")
    @classmethod
    def _are_names(cls, classes: list[str]) -> list[str]:
        if not all(classes) or len(set(classes)) < len(classes) or {"background", "ignore"} & {*classes}:
            raise ValueError(
                "expected names, each of them once, without `background`, which is class 0, and `ignore`, which is none"
            )
        return classes
