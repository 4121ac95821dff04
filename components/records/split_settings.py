"""`[data.splits]`: which group goes where."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from components.settings import Positive, Section

MOST_FOLDS = 10
FoldCount = Annotated[int, Field(ge=2, le=MOST_FOLDS)]


class Splits(Section):
    """Which group goes where. Shares are whole numbers, such as 70, 15 and 15. Each split gets its share as exactly as
    whole groups allow: of all, and of those of each label, with and without foreground where the truth is drawn. A hash
    decides which. What the champion was tested on stays in test when data are added, what it has learnt is never drawn
    into it; to draw anew, delete CHAMPION.json."""

    outgrown: ClassVar = {
        "stratify": (False, "splits are always even in labels and foreground now: remove it"),
        "folds": (None, "one run trains all folds now: remove it, and set k in the section [folds]"),
        "fold": (0, "one run trains all folds now: remove it, and set k in the section [folds]"),
    }
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

    @field_validator("test_site")
    @classmethod
    def _one_test_split(cls, site: str, info: ValidationInfo) -> str:
        if site and info.data.get("test_groups"):
            raise ValueError("test_groups names the test split already: remove one of the two")
        return site


class Folds(Section):
    """Cross-validation within one run: what is not test is cut into folds, alike in size, labels and foreground where
    these are known before masks are read, and a
    model is trained for each, on all other folds. What is served is their ensemble."""

    k: FoldCount
    """The number of folds; each costs a training."""
