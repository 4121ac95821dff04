"""The strategies that give each group its split."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from components.errors import UsageError
from components.records.splits import SPLITS, Member, assign_splits, split_of

SHARES = {"train": 70, "eval": 15, "test": 15, "salt": ""}
PLAIN: dict[str, Any] = SHARES | {"stratify": False, "test_groups": [], "test_site": "", "folds": None, "fold": 0}
GROUPS = [f"patient{number}" for number in range(20000)]
MEMBERS = [Member(group) for group in GROUPS[:2000]]


def by_group(members: Sequence[Member], splits: dict[str, Any]) -> dict[str, str]:
    found = dict(zip((member.group for member in members), assign_splits(members, splits), strict=True))
    assert list(map(found.get, (member.group for member in members))) == assign_splits(members, splits)
    return found


def within(count: int, of: int, share: float) -> bool:
    """Whether a count is within four standard deviations of a binomial draw."""
    return abs(count - of * share) <= 4 * math.sqrt(of * share * (1 - share))


def strata(members: Iterable[Member], found: dict[str, str], split: str) -> Counter[str]:
    return Counter(member.stratum for member in members if found[member.group] == split)


class TestHash:
    @pytest.mark.parametrize(
        ("salt", "group", "digest", "split"),
        [
            # digest: the first 16 hex digits that `printf %s SALT/GROUP | sha256sum` prints; buckets 0, 69, 70, 84,
            # 85, 64 and 99
            ("", "pair030", "3771fa822443ff90", "train"),
            ("", "pair055", "56da060aa9054119", "train"),
            ("", "pair201", "2c9e222d3917257a", "eval"),
            ("", "pair157", "9f91267669040708", "eval"),
            ("", "pair009", "fba9faf1a74aefe5", "test"),
            ("137", "pair014", "398fbe0abe6f3050", "train"),
            ("137", "pair015", "a591fc15c4f4ab4b", "test"),
        ],
    )
    def test_golden_assignment(self, salt: str, group: str, digest: str, split: str) -> None:
        """A changed rule would move patients from the test set into the training set."""
        bucket = int(digest, 16) % 100
        assert split == ("train" if bucket < 70 else "eval" if bucket < 85 else "test")
        assert split_of(group, {**SHARES, "salt": salt}) == split
        assert assign_splits([Member(group)], {**PLAIN, "salt": salt}) == [split]

    @pytest.mark.parametrize("shares", [(70, 15, 15), (1, 1, 1), (5, 3, 2)])
    def test_shares_on_many_groups(self, shares: tuple[int, int, int]) -> None:
        splits = dict(zip(SPLITS, shares, strict=True)) | {"salt": ""}
        found = [split_of(group, splits) for group in GROUPS]
        assert all(within(found.count(name), len(GROUPS), splits[name] / sum(shares)) for name in SPLITS)

    def test_groups_stay_when_others_are_added(self) -> None:
        few = {group: split_of(group, SHARES) for group in GROUPS[:100]}
        more = {group: split_of(group, SHARES) for group in reversed(GROUPS)}
        assert few.items() <= more.items()

    def test_another_salt_draws_again(self) -> None:
        same = sum(split_of(group, SHARES) == split_of(group, {**SHARES, "salt": "b"}) for group in GROUPS)
        # Independent draws agree with probability 0.7^2 + 0.15^2 + 0.15^2.
        assert within(same, len(GROUPS), 0.535)

    def test_without_further_settings_the_hash_alone_decides(self) -> None:
        assert assign_splits(MEMBERS, PLAIN) == [split_of(member.group, SHARES) for member in MEMBERS]


class TestTestList:
    def test_names_and_patterns_are_the_whole_test_split(self) -> None:
        members = [Member(name) for name in ("TCGA-OL-1", "TCGA-OL-2", "tcga-ol-3", "a[1]", "a1", *GROUPS[:300])]
        found = by_group(members, {**PLAIN, "test_groups": ["TCGA-OL-*", "a[1]", "patient7"]})
        # A name is also a pattern: a[1] is itself, and a1.
        tested = {group for group, split in found.items() if split == "test"}
        assert tested == {"TCGA-OL-1", "TCGA-OL-2", "a[1]", "a1", "patient7"}

    def test_train_and_eval_share_the_rest(self) -> None:
        found = assign_splits([Member(group) for group in GROUPS], {**PLAIN, "test_groups": ["patient7"]})
        assert found.count("test") == 1
        assert within(found.count("eval"), len(GROUPS) - 1, 15 / 85)

    def test_a_site_is_the_whole_test_split(self) -> None:
        """A group of two sites goes with the site that is left out: nothing of that site may be learnt."""
        members = [
            Member("p1", "OL"),
            Member("p2", "LL"),
            Member("p1", "LL"),
            *(Member(group, "OL8") for group in GROUPS[:300]),
        ]
        found = assign_splits(members, {**PLAIN, "test_site": "OL"})
        assert found[0] == found[2] == "test"
        assert found.count("test") == 2
        assert within(found.count("eval"), 301, 15 / 85)

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            (
                {"test_groups": ["patient3", "p1"]},
                "[data.splits] test_groups: no group is named 'p1'. Groups: patient0, patient1, patient10, patient11, "
                "patient2, patient3, patient4, patient5, patient6, patient7, …",
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
            assign_splits(members, {**PLAIN, **setting})
        assert str(caught.value) == message

    def test_without_sites_none_is_listed(self) -> None:
        with pytest.raises(UsageError, match=r"no image is of site 'OL'\. Sites: none\. Sites come from "):
            assign_splits(MEMBERS, {**PLAIN, "test_site": "OL"})


class TestFolds:
    @pytest.mark.parametrize("shares", [(70, 15, 15), (1, 1, 1)])
    @pytest.mark.parametrize("folds", [2, 3, 5])
    def test_folds_are_alike_and_together_all_but_the_test_split(
        self, folds: int, shares: tuple[int, int, int]
    ) -> None:
        """Three shares and three folds: modulo the same number, the test split would take a whole fold."""
        splits = PLAIN | dict(zip(SPLITS, shares, strict=True)) | {"folds": folds}
        rest = {member.group for member in MEMBERS if split_of(member.group, splits) != "test"}
        seen: list[str] = []
        for fold in range(folds):
            found = by_group(MEMBERS, {**splits, "fold": fold})
            held_out = [group for group, split in found.items() if split == "eval"]
            assert {group for group, split in found.items() if split != "test"} == rest
            assert within(len(held_out), len(rest), 1 / folds)
            seen += held_out
        assert len(seen) == len(rest)
        assert set(seen) == rest

    @pytest.mark.parametrize(
        ("group", "digest", "fold"),
        [
            # digest: hex digits 17 to 32 of `printf %s /GROUP | sha256sum`
            ("pair030", "cc8659105bbcb13f", 2),
            ("pair201", "5fb8fd5741b221f1", 1),
        ],
    )
    def test_golden_folds(self, group: str, digest: str, fold: int) -> None:
        assert int(digest, 16) % 5 == fold
        assert assign_splits([Member(group)], {**PLAIN, "folds": 5, "fold": fold}) == ["eval"]

    def test_groups_stay_when_others_are_added(self) -> None:
        splits = {**PLAIN, "folds": 5, "fold": 2}
        assert by_group(MEMBERS[:100], splits).items() <= by_group(MEMBERS[::-1], splits).items()

    def test_another_salt_draws_again(self) -> None:
        splits = {**PLAIN, "folds": 2, "test_groups": ["patient0"]}
        pairs = zip(assign_splits(MEMBERS, splits), assign_splits(MEMBERS, {**splits, "salt": "b"}), strict=True)
        assert within(sum(one == other for one, other in pairs), 2000, 0.5)


class TestStratify:
    # 105 malignant in groups of 1 to 3 and 210 normal in groups of 1 to 3, in turns.
    MEMBERS = tuple(
        Member(f"p{number}", stratum="malignant" if number % 3 == 0 else "normal")
        for number in range(150)
        for _ in range(1 + number % 4 // 2 + number % 2)
    )

    def test_each_split_has_its_share_of_each_stratum(self) -> None:
        """70 : 15 : 15 is one of 7 folds for test (100 / 15 = 6.7), and one of 6 for eval (85 / 15 = 5.7)."""
        found = by_group(self.MEMBERS, {**PLAIN, "stratify": True})
        total = Counter(member.stratum for member in self.MEMBERS)
        for split, share in (("test", 1 / 7), ("eval", 1 / 7), ("train", 5 / 7)):
            counts = strata(self.MEMBERS, found, split)
            assert all(abs(counts[name] - total[name] * share) <= 2 for name in total)

    @pytest.mark.parametrize(
        ("shares", "counts"), [((1, 1, 2), (15, 15, 30)), ((40, 10, 10), (40, 10, 10)), ((5, 2, 2), (34, 11, 15))]
    )
    def test_shares_round_to_the_nearest_number_of_folds(
        self, shares: tuple[int, int, int], counts: tuple[int, int, int]
    ) -> None:
        """5 : 2 : 2 is one of 4 (9 / 2 = 4.5, to even) for test, one of 4 (7 / 2 = 3.5, to even) of the other 45."""
        splits = PLAIN | dict(zip(SPLITS, shares, strict=True)) | {"stratify": True}
        found = assign_splits([Member(group, stratum="ab"[i % 2]) for i, group in enumerate(GROUPS[:60])], splits)
        assert tuple(found.count(name) for name in SPLITS) == counts

    def test_folds_are_stratified_and_together_all_but_the_test_split(self) -> None:
        splits = {**PLAIN, "stratify": True, "folds": 5}
        evals = [by_group(self.MEMBERS, {**splits, "fold": fold}) for fold in range(5)]
        tested = [{group for group, split in found.items() if split == "test"} for found in evals]
        assert all(test == tested[0] for test in tested)
        held_out = [group for found in evals for group, split in found.items() if split == "eval"]
        assert sorted(held_out) == sorted(evals[0].keys() - tested[0])
        counts = [strata(self.MEMBERS, found, "eval") for found in evals]
        assert all(
            max(count[name] for count in counts) - min(count[name] for count in counts) <= 2 for name in counts[0]
        )

    def test_a_test_list_leaves_the_rest_to_be_stratified(self) -> None:
        found = by_group(self.MEMBERS, {**PLAIN, "stratify": True, "test_groups": ["p1?"]})
        assert {group for group, split in found.items() if split == "test"} == {
            f"p{number}" for number in range(10, 20)
        }
        rest = Counter(member.stratum for member in self.MEMBERS if found[member.group] != "test")
        counts = strata(self.MEMBERS, found, "eval")
        assert all(abs(counts[name] - rest[name] / 6) <= 2 for name in rest)

    def test_the_salt_draws(self) -> None:
        members = [Member(group, stratum="ab"[i % 2]) for i, group in enumerate(GROUPS[:200])]
        one, other = (assign_splits(members, {**PLAIN, "stratify": True, "salt": salt}) for salt in ("", "b"))
        assert Counter(one) == Counter(other)
        # Of a seventh and a seventh about 4 of 28 are the same by chance.
        assert sum(a == b == "test" for a, b in zip(one, other, strict=True)) < 14

    def test_a_rare_stratum_is_no_fault(self, recwarn: pytest.WarningsRecorder) -> None:
        members = [Member("rare", stratum="b"), *(Member(group, stratum="a") for group in GROUPS[:30])]
        assert Counter(assign_splits(members, {**PLAIN, "stratify": True})).keys() == set(SPLITS)
        assert not recwarn.list

    def test_a_group_without_stratum_is_named(self) -> None:
        with pytest.raises(UsageError, match=r"stratify: an image of group 'patient5' has no label, .* Give labels, "):
            assign_splits([*self.MEMBERS, Member("patient9"), Member("patient5")], {**PLAIN, "stratify": True})

    @pytest.mark.parametrize(
        ("members", "groups"),
        [
            ([Member(f"p{i % 6}", stratum="a") for i in range(12)], 6),
            ([Member(f"p{i}", stratum=f"{i}") for i in range(9)], 9),
        ],
        ids=["fewer groups than folds", "fewer groups of any stratum than folds"],
    )
    def test_too_few_groups_are_told(self, members: list[Member], groups: int) -> None:
        message = f"stratify: {groups} groups cannot be cut into 7 folds of like labels: add data, "
        with pytest.raises(UsageError, match=message):
            assign_splits(members, {**PLAIN, "stratify": True})


class TestPrescribed:
    def test_prescribed_cases_stay_where_they_are_even_apart(self) -> None:
        """The data gate, not this rule, says that the source leaks."""
        members = [
            Member("a", split="train"),
            Member("a", split="test"),
            Member("a", split="eval"),
            Member("b", split="eval"),
        ]
        assert assign_splits(members, PLAIN) == ["train", "test", "eval", "eval"]

    @pytest.mark.parametrize("group", ["pair030", "pair201", "pair009"])
    def test_the_others_follow_their_group_or_else_the_strategy(self, group: str) -> None:
        """By the hash they are train, eval and test."""
        for split in SPLITS:
            members = [Member(group), Member(group, split=split), Member("pair157")]
            assert assign_splits(members, PLAIN) == [split, split, "eval"]

    def test_the_others_follow_the_most_held_out_of_a_torn_group(self) -> None:
        members = [Member("a"), Member("a", split="test"), Member("a", split="train"), Member("b", split="eval")]
        members += [Member("b", split="train"), Member("b")]
        assert assign_splits(members, PLAIN) == ["test", "test", "train", "eval", "train", "eval"]

    def test_only_the_others_are_stratified(self) -> None:
        members = [
            Member("z", split="test"),
            *(Member(group, stratum="ab"[i % 2]) for i, group in enumerate(GROUPS[:14])),
        ]
        assert Counter(assign_splits(members, {**PLAIN, "stratify": True})) == {"train": 10, "eval": 2, "test": 3}
        assert assign_splits(members[:1], {**PLAIN, "stratify": True}) == ["test"]

    def test_a_prescribed_test_split_and_folds_of_the_rest(self) -> None:
        members = [Member("z", split="test"), Member("z"), *MEMBERS]
        found = [assign_splits(members, {**PLAIN, "folds": 2, "fold": fold}) for fold in (0, 1)]
        assert {splits[:2] == ["test", "test"] for splits in found} == {True}
        assert [a == b for a, b in zip(*found, strict=True)] == [a == "test" for a in found[0]]

    def test_a_test_list_of_what_is_prescribed(self) -> None:
        members = [Member("a", "OL", split="test"), Member("b", "LL", split="train"), Member("c", "LL")]
        for setting in ({"test_groups": ["a"]}, {"test_site": "OL"}):
            found = assign_splits(members, {**PLAIN, **setting})
            assert found[:2] == ["test", "train"]
            assert found[2] in {"train", "eval"}

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ({"test_groups": ["a", "b"]}, "test_groups: the source puts group 'b' into eval, which contradicts it. Ch"),
            ({"test_groups": ["c"]}, "test_groups: the source puts group 'a' into test, which contradicts it. Change"),
            (
                {"test_site": "LL"},
                "test_site: the source puts group 'b' into eval, which contradicts it. Change one of",
            ),
            ({"folds": 3}, "folds: the source puts group 'b' into eval, but the folds cut anew all that is not test. "),
        ],
    )
    def test_a_config_that_contradicts_the_source_is_an_error(self, setting: dict[str, Any], message: str) -> None:
        members = [Member("c", "OL"), Member("a", "OL", split="test"), Member("b", "LL", split="eval")]
        with pytest.raises(UsageError) as caught:
            assign_splits(members, {**PLAIN, **setting})
        assert str(caught.value).startswith(f"[data.splits] {message}")


def test_no_case_no_split() -> None:
    assert assign_splits([], PLAIN) == assign_splits([], {**PLAIN, "stratify": True}) == []


@st.composite
def drawn_members(draw: st.DrawFn) -> list[Member]:
    groups = draw(st.lists(st.text(min_size=1, max_size=3), min_size=12, max_size=30, unique=True))
    sizes = draw(st.lists(st.integers(1, 3), min_size=len(groups), max_size=len(groups)))
    return [
        Member(group, site=draw(st.sampled_from("xyz")), stratum=draw(st.sampled_from("ab")))
        for group, size in zip(groups, sizes, strict=True)
        for _ in range(size)
    ]


@settings(deadline=None, max_examples=60)
@given(
    members=drawn_members(),
    randomly=st.randoms(use_true_random=False),
    test=st.sampled_from([{}, {"test_site": "x"}, {"test_groups": ["[a-zA-Z]*", "0"]}]),
    evaluated=st.sampled_from([{}, {"folds": 3}, {"folds": 2, "fold": 1}]),
    stratify=st.booleans(),
    salt=st.sampled_from(["", "7"]),
)
def test_no_strategy_tears_a_group_or_depends_on_the_order(
    members: list[Member], randomly: Any, test: dict[str, Any], evaluated: dict[str, Any], stratify: bool, salt: str
) -> None:
    splits = PLAIN | {"train": 2, "eval": 1, "test": 1, "salt": salt, "stratify": stratify} | test | evaluated
    try:
        found = assign_splits(members, splits)
    except UsageError:
        assume(False)
    places: dict[str, set[str]] = defaultdict(set)
    for member, split in zip(members, found, strict=True):
        places[member.group].add(split)
    assert all(len(where) == 1 for where in places.values())
    order = list(range(len(members)))
    randomly.shuffle(order)
    assert assign_splits([members[at] for at in order], splits) == [found[at] for at in order]
