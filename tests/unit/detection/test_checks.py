from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.detection.checks import IBAN_LENGTHS, fedex, gs1, luhn, mod97, s10, ups


@pytest.mark.parametrize(
    ("check", "number"),
    [
        (luhn, "4111111111111111"),
        (luhn, "378282246310005"),
        (mod97, "GB82WEST12345698765432"),
        (ups, "1Z999AA10123456784"),
        (ups, "1Z5R89390357567127"),
        (gs1, "00340434161094022115"),
        (gs1, "9400111899223818218865"),
        (s10, "RR473124829GB"),
        (fedex, "986578788855"),
    ],
)
def test_published_examples_pass_and_a_changed_digit_fails(check: object, number: str) -> None:
    assert callable(check)
    assert check(number)
    last = max(index for index, character in enumerate(number) if character.isdigit())
    assert not check(number[:last] + str((int(number[last]) + 1) % 10) + number[last + 1 :])


@given(body=st.text("0123456789", min_size=7, max_size=20))
def test_exactly_one_last_digit_passes_each_modulo_ten_check(body: str) -> None:
    assert sum(luhn(body + digit) for digit in "0123456789") == 1
    assert sum(gs1(body + digit) for digit in "0123456789") == 1


def test_iban_lengths_are_those_of_the_standard() -> None:
    assert IBAN_LENGTHS["NO"] == 15
    assert IBAN_LENGTHS["PL"] == 28
    assert all(15 <= length <= 34 for length in IBAN_LENGTHS.values())
