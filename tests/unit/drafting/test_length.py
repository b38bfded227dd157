from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.drafting.length import length, over
from triage.drafting.lint import fits, lint
from triage.types import ChannelPolicy

UNITS = ("characters", "bytes", "weighted characters")


def policy(unit: str, limit: int = 10) -> ChannelPolicy:
    return ChannelPolicy(channel="c", name="c", limit=limit, unit=unit)


@pytest.mark.parametrize(
    ("text", "characters", "size", "weighted"),
    [
        ("abc", 3, 3, 3),
        ("żółć", 4, 8, 4),
        ("مرحبا", 5, 10, 5),
        ("5 €", 3, 5, 4),
        ("“ok” – 😀", 8, 17, 9),
        ("日本", 2, 6, 4),
    ],
)
def test_what_a_text_counts(text: str, characters: int, size: int, weighted: int) -> None:
    assert [length(text, policy(unit)) for unit in UNITS] == [characters, size, weighted]


def test_a_link_counts_23_on_x() -> None:
    assert length("see https://shop.example/a/very/long/path/to/something", policy("weighted characters")) == 27


def test_arabic_that_fits_in_characters_does_not_fit_in_bytes() -> None:
    text = "مرحبا " * 2
    assert fits(text, policy("characters", 12))
    (warning,) = lint(text, policy("bytes", 12))
    assert (warning.rule, warning.detail, warning.start) == ("too_long", "22 of 12 bytes", 6)


@given(st.text(), st.integers(1, 60), st.sampled_from(UNITS))
def test_what_stands_before_the_place_fits(text: str, limit: int, unit: str) -> None:
    rule = policy(unit, limit)
    place = over(text, rule)
    assert (place is None) == fits(text, rule)
    if place is not None and "http" not in text and "www" not in text:
        assert length(text[:place], rule) <= limit < length(text[: place + 1], rule)
