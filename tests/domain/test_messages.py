from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.core.errors import AppError, ErrorCode
from webapp.core.text import normalised
from webapp.domain import limits, polls, reactions
from webapp.domain import messages as rules

NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=10)
WORDS = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=30)
PARTICLES = st.sampled_from(["", "가", "님", "에게 ", " ", "!", ",", "\n"])


def mentioned(content: str, *names: str) -> list[str]:
    known = {name: uuid4() for name in names}
    found = rules.resolved_mentions(rules.mention_candidates(content), known)
    return [name for member_id in found for name, known_id in known.items() if known_id == member_id]


# Emoji


@pytest.mark.parametrize(
    "emoji",
    ["👍", "👍🏽", "❤️", "👨‍👩‍👧‍👦", "🇰🇷", "1️⃣", "#️⃣", "🏳️‍🌈", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "☝🏽", "❤️‍🔥", "⛹🏿‍♀️", "👁️‍🗨️", "🧑🏿‍❤️‍💋‍🧑🏻", "🫩"],
)
def test_an_emoji_is_accepted_as_it_is(emoji: str) -> None:
    assert rules.accepted_emoji(emoji) == emoji


@pytest.mark.parametrize(
    ("written", "full"),
    [
        ("❤", "❤️"),
        ("❤\ufe0e", "❤️"),
        ("1\u20e3", "1️⃣"),
        ("🏳\u200d🌈", "🏳️‍🌈"),
        ("🏃\u200d♀", "🏃‍♀️"),
        ("👍\ufe0f", "👍"),
        ("☝\ufe0f🏽", "☝🏽"),
    ],
)
def test_a_sign_with_and_without_a_variation_selector_is_one(written: str, full: str) -> None:
    assert rules.accepted_emoji(written) == full


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a",
        "1",
        "한",
        "ㅋ",
        "👍👍",
        "👍a",
        "🇰",
        "🏽",
        "❤\u0301",
        "\ufe0f",
        "\u200d",
        "👍\u200d",
        "<b>",
        "👍" * 64,
        "\u200d".join("👍" * 40),
    ],
)
def test_anything_but_one_emoji_is_refused(text: str) -> None:
    with pytest.raises(AppError) as refusal:
        rules.accepted_emoji(text)
    assert refusal.value.code is ErrorCode.validation_failed


@given(st.text(max_size=100))
def test_what_is_accepted_is_short_normalised_and_accepted_again(text: str) -> None:
    try:
        emoji = rules.accepted_emoji(text)
    except AppError:
        return
    assert len(emoji) <= limits.EMOJI_LENGTH
    assert normalised(emoji) == emoji
    assert rules.accepted_emoji(emoji) == emoji


# Mentions


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("@민수 안녕", ["민수"]),
        ("@민수가 그랬어", ["민수"]),
        ("회의는 @민수, @지영 둘이", ["민수", "지영"]),
        ("@지영 @민수 @지영", ["지영", "민수"]),
        ("＠민수", ["민수"]),
        ("mail@민수", []),
        ("a.@민수", []),
        ("@ 민수", []),
        ("@민", []),
        ("@수진", []),
        ("@민수\n지영", ["민수"]),
        ("(@민수)", ["민수"]),
    ],
)
def test_a_name_after_an_at_is_a_mention(content: str, expected: list[str]) -> None:
    assert mentioned(content, "민수", "지영") == expected


def test_the_longest_name_counts() -> None:
    assert mentioned("@민수진이 왔다", "민수", "민수진") == ["민수진"]
    assert mentioned("@Kim Min Su 님", "Kim", "Kim Min Su") == ["Kim Min Su"]


def test_a_label_is_not_found_inside_a_longer_one() -> None:
    assert mentioned("@A12가", "A1") == []
    assert mentioned("@A1은", "A1", "A12") == ["A1"]


@given(NAMES, WORDS, PARTICLES)
def test_a_mentioned_name_is_found_whatever_stands_around_it(name: str, before: str, after: str) -> None:
    content = f"{before.replace('@', '').replace('＠', '')} @{name}{after}"
    assert mentioned(content, name) == [name]


@given(st.text(max_size=2_000))
def test_mentions_are_bounded(content: str) -> None:
    places = rules.mention_candidates(content)
    assert len(places) <= limits.MENTIONS
    assert all(0 < len(prefixes) <= limits.DISPLAY_NAME_LENGTH for prefixes in places)


@pytest.mark.parametrize(
    ("content", "everyone"),
    [
        ("@전체 공지", True),
        ("@전체에게", True),
        ("@all", True),
        ("@ALL 안녕", True),
        ("@all!", True),
        ("@allen", False),
        ("@all_in", False),
        ("전체 공지", False),
        ("a@all", False),
    ],
)
def test_who_is_everyone(content: str, everyone: bool) -> None:
    assert rules.mentions_everyone(rules.mention_candidates(content)) is everyone


# Repeats


BODIES = st.dictionaries(
    st.text(max_size=8), st.one_of(st.none(), st.text(max_size=20), st.uuids(), st.integers(-(2**53), 2**53))
)


@given(BODIES)
def test_the_same_body_has_the_same_digest_in_any_order(body: dict[str, object]) -> None:
    assert rules.request_hash(dict(reversed(body.items()))) == rules.request_hash(body)


@given(st.text(max_size=50), st.text(max_size=50))
def test_another_content_has_another_digest(one: str, other: str) -> None:
    same = rules.request_hash({"content": one}) == rules.request_hash({"content": other})
    assert same is (one == other)


def test_a_field_moved_elsewhere_is_another_body() -> None:
    target = uuid4()
    assert rules.request_hash({"content": "가", "reply_to_id": target}) != rules.request_hash(
        {"content": "가", "thread_id": target}
    )


# Edits


def test_a_member_may_edit_for_fifteen_minutes() -> None:
    born = datetime(2026, 3, 2, 9, tzinfo=UTC)
    rules.refuse_late_edit(born, born + timedelta(minutes=15))
    with pytest.raises(AppError) as refusal:
        rules.refuse_late_edit(born, born + timedelta(minutes=15, seconds=1))
    assert refusal.value.code is ErrorCode.edit_window_passed


# Reactions


@given(st.lists(st.tuples(st.sampled_from("👍🎉😀"), st.integers(0, 70)), max_size=120, unique=True))
def test_a_summary_counts_everyone_and_names_the_first_fifty(chosen: list[tuple[str, int]]) -> None:
    summary: dict[str, dict[str, object]] = {}
    for emoji, number in chosen:
        summary = reactions.with_reaction(summary, emoji, UUID(int=number))
    for emoji in {emoji for emoji, _ in chosen}:
        members = [str(UUID(int=number)) for other, number in chosen if other == emoji]
        assert summary[emoji] == {"count": len(members), "member_ids": members[:50]}


def test_an_emoji_that_nobody_chooses_any_more_goes() -> None:
    summary = reactions.with_reaction({}, "👍", UUID(int=1))
    assert reactions.with_reactors(summary, "👍", 0, []) == {}


# Polls


@given(st.lists(st.frozensets(st.integers(1, 4)), max_size=8), st.integers(2, 4))
def test_counts_follow_changing_votes(choices: list[frozenset[int]], voters: int) -> None:
    poll = polls.new_poll("언제?", ["월", "화", "수", "목"], is_multiple=True, closes_at=None)
    ballots: dict[int, frozenset[int]] = {}
    for turn, choice in enumerate(choices):
        voter = turn % voters
        poll = polls.recounted(poll, ballots.get(voter, frozenset()), choice)
        ballots[voter] = choice
    for option in poll["options"]:
        assert option["count"] == sum(option["option_id"] in ballot for ballot in ballots.values())
    assert poll["voter_count"] == sum(bool(ballot) for ballot in ballots.values())
