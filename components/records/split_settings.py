"""`[data.splits]`: which group goes where."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from components.settings import Positive, Section


class Splits(Section):
    """Which group goes where. Shares are whole numbers, such as 70, 15 and 15. Each split gets its share as exactly as
    whole groups allow: of all, and of those of each label, with and without foreground where the truth is drawn. A hash
    decides which. What the champion was tested on stays in test when data are added, what it has learnt is never drawn
    into it; to draw anew, delete CHAMPION.json."""

    outgrown: ClassVar = {"stratify": (False, "splits are always even in labels and foreground now: remove it")}
    train: Positive = 70
    eval: Positive = 15
    test: Positive = 15
    salt: str = ""
    """Changes the hash: which groups are drawn into which split, and which empty tiles are kept."""
    test_groups: list[str] = []
    """A fixed test list: these groups, and no others, are the test split. `*`, `?` and `[...]` stand for any text, any
    character and any of these. Where data arrive in spans, the test share of the groups that the newest span brings
    for the first time joins them, until the next span comes."""
    test_site: str = ""
    """Leave one site out: the groups with an image of this site, and no others, are the test split."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Cross-validation: what is not test is cut into so many folds, alike in size, labels and foreground; `fold` is the
    eval split, whatever its share."""
    fold: Annotated[int, Field(ge=0)] = 0

    @field_validator("test_site")
    @classmethod
    def _one_test_split(cls, site: str, info: ValidationInfo) -> str:
        if site and info.data.get("test_groups"):
            raise ValueError("test_groups names the test split already: remove one of the two")
        return site

    @field_validator("fold")
    @classmethod
    def _is_a_fold(cls, fold: int, info: ValidationInfo) -> int:
        folds = info.data.get("folds", fold + 1)
        if folds is None and fold:
            raise ValueError("there are no folds: set folds, or remove fold")
        if folds is not None and fold >= folds:
            raise ValueError(f"expected 0 to {folds - 1}: folds count from 0")
        return fold
