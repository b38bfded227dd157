from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.insights.editing import LONGEST, edit_distance


def by_table(one: str, two: str) -> int:
    row = list(range(len(two) + 1))
    for place, letter in enumerate(one, 1):
        before, row[0] = row[0], place
        for at, other in enumerate(two, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (letter != other))
    return row[-1]


@pytest.mark.parametrize(
    ("one", "two", "distance"),
    [("kitten", "sitting", 3 / 7), ("", "", 0.0), ("", "abc", 1.0), ("same", "same", 0.0), ("ab", "cd", 1.0),
     ("أين طلبي", "أين طلبي؟", 1 / 9)],
)  # fmt: skip
def test_known_distances(one: str, two: str, distance: float) -> None:
    assert edit_distance(one, two) == pytest.approx(distance)
    assert edit_distance(two, one) == pytest.approx(distance)


@given(st.text("abcé字", max_size=40), st.text("abcé字", max_size=40))
def test_it_is_levenshteins(one: str, two: str) -> None:
    longest = max(len(one), len(two))
    assert edit_distance(one, two) * longest == pytest.approx(by_table(one, two))


def test_only_the_beginning_of_a_long_text_is_compared() -> None:
    assert edit_distance("a" * (LONGEST + 9), "a" * LONGEST) == 0
