"""The strategies that give each group its split."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from components.errors import UsageError
from components.records.split_settings import Splits
from components.records.splits import SPLITS, Member, Memory, assign_splits, recall, splits_of

GROUPS = [f"p{number}" for number in range(2000)]
MEMBERS = [Member(group) for group in GROUPS]


def by_group(members: Sequence[Member], splits: Splits, **arguments: Any) -> dict[str, str]:
    assigned = assign_splits(members, splits, **arguments)
    found = dict(zip((member.group for member in members), assigned, strict=True))
    assert [found[member.group] for member in members] == assigned
    return found


def groups_in(found: dict[str, str], split: str) -> set[str]:
    return {group for group, where in found.items() if where == split}


def sizes(found: dict[str, str]) -> tuple[int, ...]:
    return tuple(len(groups_in(found, split)) for split in SPLITS)


def half_up(count: Fraction) -> int:
    return math.floor(count + Fraction(1, 2))


def strata_of(members: Sequence[Member]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for member in members:
        found[member.group].add(member.stratum)
    return {group: frozenset(strata) for group, strata in found.items()}


@st.composite
def member_lists(draw: st.DrawFn, least: int = 3, most: int = 40) -> list[Member]:
    """Groups of one to three members; each member has one of three strata."""
    names = draw(st.lists(st.text(min_size=1, max_size=3), min_size=least, max_size=most, unique=True))
    strata = st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=3)
    return [Member(name, site=draw(st.sampled_from("xyz")), stratum=kind) for name in names for kind in draw(strata)]


@st.composite
def shares(draw: st.DrawFn) -> Splits:
    return Splits(**{split: draw(st.integers(1, 200)) for split in SPLITS}, salt=draw(st.sampled_from(["", "7"])))


class TestOrderOfTheHashes:
    # As `printf %s SALT/GROUP | sha256sum` orders them: that of /p8 begins with 23af, that of /p5 with f1b4.
    PLAIN = ("p8", "p3", "p4", "p2", "p1", "p9", "p0", "p7", "p6", "p5")
    SALTED = ("p3", "p2", "p1", "p7", "p9", "p5", "p4", "p6", "p0", "p8")

    @pytest.mark.parametrize(("salt", "order"), [("", PLAIN), ("b", SALTED)])
    def test_golden_assignment(self, salt: str, order: Sequence[str]) -> None:
        """Of ten groups 1.5, rounded up, are test; of the other eight 8 x 15 / 85 = 1.4 are eval."""
        found = by_group(MEMBERS[:10], Splits(salt=salt))
        assert [found[group] for group in order] == ["test", "test", "eval", *["train"] * 7]

    def test_golden_folds(self) -> None:
        """After the two that are test the others are dealt out in their order."""
        found = by_group(MEMBERS[:10], Splits(), folds=3)
        dealt = [groups_in(found, split) for split in splits_of(3)]
        assert dealt == [{"p4", "p9", "p6"}, {"p2", "p0", "p5"}, {"p1", "p7"}, {"p8", "p3"}]

    def test_another_salt_draws_again(self) -> None:
        one, other = (by_group(MEMBERS, Splits(salt=salt)) for salt in ("", "b"))
        assert sizes(one) == sizes(other) == (1400, 300, 300)
        # Independent draws of 300 in 2000 have 45 in common, give or take 6.
        assert 20 < len(groups_in(one, "test") & groups_in(other, "test")) < 70


class TestShares:
    @example(3, Splits(train=1, eval=1, test=200))
    @example(200, Splits(train=1, eval=200, test=1))
    @given(st.integers(3, 200), shares())
    def test_they_are_exact_and_none_is_empty(self, count: int, splits: Splits) -> None:
        total = splits.train + splits.eval + splits.test
        test = min(max(half_up(Fraction(count * splits.test, total)), 1), count - 2)
        rest = count - test
        evaluated = min(max(half_up(Fraction(rest * splits.eval, splits.train + splits.eval)), 1), rest - 1)
        found = sizes(by_group(MEMBERS[:count], splits))
        assert found == (rest - evaluated, evaluated, test)
        assert min(found) >= 1

    @pytest.mark.parametrize(
        ("count", "expected"),
        [
            *((0, (0, 0, 0)), (1, (1, 0, 0)), (2, (1, 1, 0)), (3, (1, 1, 1)), (10, (7, 1, 2)), (24, (16, 4, 4))),
            *((60, (42, 9, 9)), (100, (70, 15, 15))),
        ],
    )
    def test_worked_sizes(self, count: int, expected: tuple[int, ...]) -> None:
        """24 x 0.15 = 3.6; of the other 20 20 x 15 / 85 = 3.5. 60 x 0.15 = 9."""
        assert sizes(by_group(MEMBERS[:count], Splits())) == expected

    @given(member_lists(), shares())
    def test_each_stratum_has_its_own_within_a_group(self, members: list[Member], splits: Splits) -> None:
        """But where rounding would leave a split empty: then by what the split has more or less."""
        found, strata = by_group(members, splits), strata_of(members)
        total = splits.train + splits.eval + splits.test
        rest = set(found) - groups_in(found, "test")
        for split, part, whole, pool in (
            ("test", splits.test, total, set(found)),
            ("eval", splits.eval, total - splits.test, rest),
        ):
            moved = abs(len(groups_in(found, split)) - half_up(Fraction(len(pool) * part, whole)))
            drawn = Counter(strata[group] for group in groups_in(found, split))
            for stratum, size in Counter(strata[group] for group in pool).items():
                assert abs(drawn[stratum] - Fraction(size * part, whole)) < 1 + moved

    @given(member_lists(), shares())
    def test_eval_has_of_all_groups_of_a_stratum_its_own_within_two(
        self, members: list[Member], splits: Splits
    ) -> None:
        """What test has more or less of a stratum, less than one group, counts for eval by its share of the rest."""
        found, strata = by_group(members, splits), strata_of(members)
        total = splits.train + splits.eval + splits.test
        assume(min(sizes(found)) > 1)
        drawn = Counter(strata[group] for group in groups_in(found, "eval"))
        for stratum, size in Counter(strata.values()).items():
            slack = 1 + Fraction(splits.eval, splits.train + splits.eval)
            assert abs(drawn[stratum] - Fraction(size * splits.eval, total)) < slack

    def test_worked_strata(self) -> None:
        """Of 20, 10, 10 and 3 groups a fifth is 4, 2, 2 and 0.6; 43 / 5 = 8.6 are 9. Of the rest a quarter is eval."""
        members = [
            *(Member(f"a{number}", stratum="a") for number in range(20)),
            *(Member(f"b{number}", stratum="b") for number in range(10)),
            *(Member(f"c{number}", stratum=kind) for number in range(10) for kind in "ab"),
            *(Member(f"d{number}") for number in range(3)),
        ]
        found = by_group(members, Splits(train=60, eval=20, test=20))
        for split, expected in (
            ("test", {"a": 4, "b": 2, "c": 2, "d": 1}),
            ("eval", {"a": 4, "b": 2, "c": 2, "d": 1}),
            ("train", {"a": 12, "b": 6, "c": 6, "d": 1}),
        ):
            assert Counter(group[0] for group in groups_in(found, split)) == expected

    def test_rare_strata_have_their_chance(self) -> None:
        """By the size of what is left of their shares alone, those of one or two groups would never be tested."""
        members = [
            Member(f"{kind}{number}", stratum=str(kind))
            for kind, count in enumerate((90, 30, 25, 6, 4, 2, *[1] * 6))
            for number in range(count)
        ]
        salts, found = 300, Counter()
        for salt in range(salts):
            test = groups_in(by_group(members, Splits(salt=str(salt))), "test")
            found.update(Counter(member.stratum for member in members if member.group in test))
        for kind, count in (("4", 4), ("5", 2), *((str(single), 1) for single in range(6, 12))):
            assert found[kind] / salts == pytest.approx(count * 0.15, rel=0.5), kind

    def test_strata_of_one_group_each_are_drawn_as_if_there_were_none(self) -> None:
        """In no order of names: of 200 draws, each of three of twenty, no group is in many more than another."""
        drawn: Counter[str] = Counter()
        for salt in range(200):
            members = [Member(group, stratum=group) for group in GROUPS[:20]]
            drawn.update(groups_in(by_group(members, Splits(salt=str(salt))), "test"))
        assert drawn.total() == 600
        # 30 of 200, give or take four times 5.
        assert {10 < drawn[group] < 50 for group in GROUPS[:20]} == {True}


class TestTestList:
    def test_names_and_patterns_are_the_whole_test_split(self) -> None:
        members = [Member(name) for name in ("TCGA-OL-1", "TCGA-OL-2", "tcga-ol-3", "a[1]", "a1", *GROUPS[:300])]
        found = by_group(members, Splits(test_groups=["TCGA-OL-*", "a[1]", "p7"]))
        # A name is also a pattern: a[1] is itself, and a1.
        assert groups_in(found, "test") == {"TCGA-OL-1", "TCGA-OL-2", "a[1]", "a1", "p7"}

    def test_train_and_eval_share_the_rest(self) -> None:
        """1999 x 15 / 85 = 352.8"""
        assert sizes(by_group(MEMBERS, Splits(test_groups=["p7"]))) == (1646, 353, 1)

    def test_a_site_is_the_whole_test_split(self) -> None:
        """A group of two sites goes with the site that is left out: nothing of that site may be learnt."""
        members = [
            Member("q1", "OL"),
            Member("q2", "LL"),
            Member("q1", "LL"),
            *(Member(group, "OL8") for group in GROUPS[:300]),
        ]
        found = by_group(members, Splits(test_site="OL"))
        assert groups_in(found, "test") == {"q1"}
        assert sizes(found) == (248, 53, 1)

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            (
                {"test_groups": ["p3", "q1"]},
                "[data.splits] test_groups: no group is named 'q1'. Groups: p0, p1, p10, p11, "
                "p2, p3, p4, p5, p6, p7, …",
            ),
            (
                {"test_site": "c"},
                "[data.splits] test_site: no image is of site 'c'. Sites: a, b. "
                "Sites come from [data] site_pattern or from a manifest.",
            ),
        ],
    )
    def test_an_unknown_name_is_told_with_those_there_are(self, setting: dict[str, Any], message: str) -> None:
        members = [Member(group, site) for group, site in zip(GROUPS[:12], ["a", "", "b"] * 4, strict=True)]
        with pytest.raises(UsageError) as caught:
            assign_splits(members, Splits(**setting))
        assert str(caught.value) == message

    def test_without_sites_none_is_listed(self) -> None:
        with pytest.raises(UsageError, match=r"no image is of site 'OL'\. Sites: none\. Sites come from "):
            assign_splits(MEMBERS, Splits(test_site="OL"))

    def test_what_a_champion_knows_changes_no_list_and_no_site(self) -> None:
        members = [Member(group, "ab"[number % 2]) for number, group in enumerate(GROUPS[:20])]
        memory = Memory(tested={"p1", "p2"}, learnt={"p0", "p3"})
        for splits in (Splits(test_groups=["p0", "p4"]), Splits(test_site="a")):
            assert recall(members, splits, memory) is None


class TestFolds:
    @given(member_lists(), st.integers(2, 6), shares())
    def test_they_are_alike_and_together_all_but_the_test_split(
        self, members: list[Member], folds: int, splits: Splits
    ) -> None:
        found = by_group(members, splits, folds=folds)
        tested, strata = groups_in(found, "test"), strata_of(members)
        assert tested == groups_in(by_group(members, splits), "test")
        held_out = [groups_in(found, split) for split in splits_of(folds)[:-1]]
        assert sum(map(len, held_out)) == len(set().union(*held_out))
        assert set().union(*held_out) == set(strata) - tested
        assert max(map(len, held_out)) - min(map(len, held_out)) <= 1
        for stratum in {*strata.values()}:
            counts = [sum(strata[group] == stratum for group in fold) for fold in held_out]
            assert max(counts) - min(counts) <= 1

    def test_another_salt_draws_again(self) -> None:
        one, other = (by_group(MEMBERS, Splits(test_groups=["p0"], salt=salt), folds=2) for salt in ("", "b"))
        for found in (one, other):
            assert [len(groups_in(found, split)) for split in splits_of(2)] == [1000, 999, 1]
        # Of two draws of a half, a half is the same.
        assert 900 < sum(one[group] == other[group] for group in GROUPS) < 1100


class TestPrescribed:
    def test_prescribed_cases_stay_where_they_are_even_apart(self) -> None:
        """The data gate, not this rule, says that the source leaks."""
        members = [
            Member("a", split="train"),
            Member("a", split="test"),
            Member("a", split="eval"),
            Member("b", split="eval"),
        ]
        assert assign_splits(members, Splits()) == ["train", "test", "eval", "eval"]

    @pytest.mark.parametrize("group", ["p8", "p4", "p0"])
    def test_the_others_follow_their_group_or_else_the_strategy(self, group: str) -> None:
        """By their hashes they are test, eval and train."""
        for split in SPLITS:
            found = assign_splits([Member(group), Member(group, split=split), *MEMBERS[:10]], Splits())
            assert found[:2] == [split, split]
            assert found[2 + int(group[1])] == split

    def test_the_others_follow_the_most_held_out_of_a_torn_group(self) -> None:
        members = [Member("a"), Member("a", split="test"), Member("a", split="train"), Member("b", split="eval")]
        members += [Member("b", split="train"), Member("b")]
        assert assign_splits(members, Splits()) == ["test", "test", "train", "eval", "train", "eval"]

    def test_the_others_have_their_shares_whatever_is_prescribed(self) -> None:
        members = [*MEMBERS[:60], *(Member(f"q{number}", split=split) for number, split in enumerate(SPLITS * 7))]
        found = by_group(members, Splits())
        assert {group: found[group] for group in GROUPS[:60]} == by_group(MEMBERS[:60], Splits())
        assert sizes(found) == (42 + 7, 9 + 7, 9 + 7)

    def test_of_two_splits_validation_is_drawn_from_train_by_group(self) -> None:
        members = [Member(f"p{number // 2}", split="train") for number in range(40)]
        found = assign_splits([*members, Member("t", split="test")], Splits(train=80, eval=20, test=50))
        assert Counter(found) == {"train": 32, "eval": 8, "test": 1}
        assert found[0:40:2] == found[1:40:2]

    def test_of_two_splits_what_leaks_into_test_is_not_validated_on(self) -> None:
        members = [Member(name, split="train") for name in "abcd"] + [Member(name, split="test") for name in "abc"]
        assert assign_splits(members, Splits()) == [*["train"] * 4, *["test"] * 3]

    def test_a_prescribed_test_split_and_folds_of_the_rest(self) -> None:
        members = [Member("z", split="test"), Member("z"), *MEMBERS]
        found = assign_splits(members, Splits(), folds=2)
        assert found[:2] == ["test", "test"]
        assert Counter(found) == {"test": 302, "fold-1": 850, "fold-2": 850}

    def test_what_is_prescribed_for_train_and_eval_goes_into_the_folds(self) -> None:
        """What a source tears apart stays torn where one part is test: the data gate names it."""
        members = [Member("a", split="train"), Member("b", split="eval"), Member("a"), Member("c", split="test")]
        members += [Member("d", split="train"), Member("d", split="test"), Member("d")]
        found = assign_splits(members, Splits(), folds=3)
        assert sorted({found[0], found[1], found[4]}) == ["fold-1", "fold-2", "fold-3"]
        assert (found[2], found[3], found[5], found[6]) == (found[0], "test", "test", "test")

    def test_a_test_list_of_what_is_prescribed(self) -> None:
        members = [Member("a", "OL", split="test"), Member("b", "LL", split="train"), Member("c", "LL")]
        for setting in ({"test_groups": ["a"]}, {"test_site": "OL"}):
            assert assign_splits(members, Splits(**setting)) == ["test", "train", "train"]

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ({"test_groups": ["a", "b"]}, "test_groups: the source puts group 'b' into eval, which contradicts it. Ch"),
            ({"test_groups": ["c"]}, "test_groups: the source puts group 'a' into test, which contradicts it. Change"),
            (
                {"test_site": "LL"},
                "test_site: the source puts group 'b' into eval, which contradicts it. Change one of",
            ),
        ],
    )
    def test_a_config_that_contradicts_the_source_is_an_error(self, setting: dict[str, Any], message: str) -> None:
        members = [Member("c", "OL"), Member("a", "OL", split="test"), Member("b", "LL", split="eval")]
        with pytest.raises(UsageError) as caught:
            assign_splits(members, Splits(**setting))
        assert str(caught.value).startswith(f"[data.splits] {message}")


class TestHeldOut:
    def test_groups_that_are_held_out_are_the_draw(self) -> None:
        found = by_group(MEMBERS[:10], Splits(), held_out=["p0", "p1", "gone"])
        assert groups_in(found, "test") == {"p0", "p1"}
        # Of the other eight the first in the order of the hashes is eval.
        assert groups_in(found, "eval") == {"p8"}

    def test_nobody_may_be_held_out(self) -> None:
        assert sizes(by_group(MEMBERS[:10], Splits(), held_out=[])) == (8, 2, 0)

    def test_they_change_neither_a_list_nor_what_is_prescribed(self) -> None:
        members = [*MEMBERS[:10], Member("z", split="train")]
        found = by_group(members, Splits(test_groups=["p5"]), held_out=["z", "p0"])
        assert (groups_in(found, "test"), found["z"]) == ({"p5", "p0"}, "train")


STRATEGIES: Collection[dict[str, Any]] = (
    {},
    {"test_site": "x"},
    {"test_groups": ["[a-zA-Z]*", "0"]},
)


@settings(max_examples=200)
@given(
    member_lists(),
    st.randoms(use_true_random=False),
    st.sampled_from(STRATEGIES),
    shares(),
    st.sampled_from([None, 2, 3]),
)
def test_no_strategy_tears_a_group_or_depends_on_the_order(
    members: list[Member], randomly: Any, strategy: dict[str, Any], splits: Splits, folds: int | None
) -> None:
    splits = splits.model_copy(update=strategy)
    try:
        found = assign_splits(members, splits, folds=folds)
    except UsageError:
        assume(False)
    places: dict[str, set[str]] = defaultdict(set)
    for member, split in zip(members, found, strict=True):
        places[member.group].add(split)
    assert all(len(where) == 1 for where in places.values())
    order = list(range(len(members)))
    randomly.shuffle(order)
    assert assign_splits([members[at] for at in order], splits, folds=folds) == [found[at] for at in order]
