"""`[data.groups]` and `[data.splits]`: what is never split, and which group goes where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipeline.config.section import Positive, Section, refuse_unless_one_capture


class Groups(Section):
    """What is never split: all samples of one group stand in one split."""

    by: Literal["layout", "name", "pattern", "pairs", "folder", "tile"] = "layout"
    """`layout`: what the layout knows (pairs of MIAS films, a manifest's column), else the name. `pattern`: see there.
    `pairs`: names whose last numbers are 2k-1 and 2k, after the same text, are one woman. `folder`: the parent folder.
    `tile`: the name without its last `_ROWxCOLUMN`."""
    pattern: str | None = Field(default=None, validate_default=True)
    """Regular expression, searched in the name without suffix; its one capture is the group."""

    @field_validator("pattern")
    @classmethod
    def _captures(cls, pattern: str | None, info: ValidationInfo) -> str | None:
        if "by" in info.data and (pattern is None) == (info.data["by"] == "pattern"):
            needs = 'by = "pattern" needs a regular expression' if pattern is None else 'a pattern needs by = "pattern"'
            raise ValueError(f"{needs}: set both or neither")
        if pattern is not None:
            refuse_unless_one_capture(pattern)
        return pattern


class Splits(Section):
    """Which group goes where. Shares are whole numbers (hash buckets): train 70, eval 15, test 15."""

    train: Positive = 70
    eval: Positive = 15
    test: Positive = 15
    salt: str = ""
    """Changes which group falls into which split; keep it for the life of a data set."""
    stratify: bool = False
    """Even shares of each label (without labels: of foreground, where the truth is drawn) by scikit-learn's
    StratifiedGroupKFold: of 1 / share folds, rounded, one is the test split, and so for eval in what is left. Even on
    few groups, but not stable when data are added."""
    test_groups: list[str] = []
    """A fixed test list: these groups, and no others, are the test split. `*`, `?` and `[...]` stand for any text, any
    character and any of these. Where data arrive in spans, the test share of the groups that the newest span brings
    for the first time joins them, until the next span comes."""
    test_site: str = ""
    """Leave one site out: the groups with an image of this site, and no others, are the test split."""
    folds: Annotated[int, Field(ge=2)] | None = None
    """Cross-validation: what is not test is cut into so many folds, of which `fold` is the eval split, whatever its
    share."""
    fold: Annotated[int, Field(ge=0)] = 0

    @field_validator("stratify")
    @classmethod
    def _shares_are_folds(cls, stratify: bool, info: ValidationInfo) -> bool:
        shares = [info.data[name] for name in ("train", "eval", "test") if name in info.data]
        if stratify and len(shares) == 3 and (shares[1] > shares[0] or 2 * shares[2] > sum(shares)):
            raise ValueError("test can be half of all at most, and eval half of the rest: give train a larger share")
        return stratify

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
