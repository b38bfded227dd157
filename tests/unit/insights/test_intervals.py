from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.insights.intervals import (
    benjamini_hochberg,
    byar,
    fisher,
    holm,
    share,
    smallest_above,
    upper_tail,
)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_shares_have_the_intervals_that_newcombe_published(count: int, of: int, low: float, high: float) -> None:
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3.
    found = share(count, of)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_a_share_of_nothing_is_none() -> None:
    found = share(0, 0)
    assert (found.value, found.low, found.high) == (None, None, None)


@given(st.integers(1, 10_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_a_share_lies_within_its_interval(pair: tuple[int, int]) -> None:
    found = share(*pair)
    assert found.low is not None
    assert found.value is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.689), (1, 0.025, 5.572), (10, 4.795, 18.39), (100, 81.36, 121.63)]
)
def test_byar_is_near_the_exact_poisson_limits(count: int, low: float, high: float) -> None:
    # Exact limits: Garwood (1936).
    assert byar(count) == (pytest.approx(low, abs=0.03), pytest.approx(high, rel=0.02))


@pytest.mark.parametrize(
    ("table", "p_value"),
    [((3, 4, 1, 4), 0.4857), ((8, 10, 1, 6), 0.03497), ((0, 5, 0, 7), 1.0), ((10, 10, 0, 10), 1.0825e-5)],
)
def test_fisher_gives_known_values(table: tuple[int, int, int, int], p_value: float) -> None:
    # Fisher's tea tasting (Agresti 2002, 3.5.2); scipy's documentation of fisher_exact; two tables by hand.
    assert fisher(*table) == pytest.approx(p_value, rel=1e-3)


def test_holm_and_benjamini_hochberg_adjust_as_published() -> None:
    # The fifteen p-values of Benjamini and Hochberg (1995), section 3.2: Bonferroni-type methods reject 3, theirs 4.
    values = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert sum(value < 0.05 for value in holm(values)) == 3
    assert sum(value < 0.05 for value in benjamini_hochberg(values)) == 4
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert benjamini_hochberg([0.01], tests=100) == [1.0]


@pytest.mark.parametrize(
    ("count", "mean", "p_value"), [(5, 2.0, 0.052653), (1, 0.1, 0.0951626), (30, 10.0, 2.50995e-7)]
)
def test_the_tail_of_a_poisson_count(count: int, mean: float, p_value: float) -> None:
    assert upper_tail(count, mean, mean) == pytest.approx(p_value, rel=1e-3)


@given(st.integers(1, 60), st.floats(0.05, 50), st.floats(1.01, 8))
def test_the_tail_is_what_is_not_below(count: int, mean: float, dispersion: float) -> None:
    size, chance = mean / (dispersion - 1), 1 - 1 / dispersion
    below = math.fsum(
        math.exp(
            math.lgamma(size + k)
            - math.lgamma(size)
            - math.lgamma(k + 1)
            - size * math.log(dispersion)
            + k * math.log(chance)
        )
        for k in range(count)
    )
    assert upper_tail(count, mean, mean * dispersion) == pytest.approx(1 - below, abs=1e-6)


@given(st.floats(0.01, 500), st.floats(1, 5))
def test_the_smallest_count_that_is_seldom_exceeded(mean: float, dispersion: float) -> None:
    found = smallest_above(0.01, mean, mean * dispersion)
    assert upper_tail(found + 1, mean, mean * dispersion) < 0.01
    assert found == 0 or upper_tail(found, mean, mean * dispersion) >= 0.01
