"""The test's false alarms and its power, on shops drawn by chance; the seeds are fixed."""

from __future__ import annotations

from datetime import UTC, date, timedelta

import numpy as np
import pytest

from tests.unit.insights.shops import contact, drawn, frame_of
from triage.insights.anomalies import LEVEL, NEEDED, detect, history_days, holds
from triage.insights.expected import expected
from triage.insights.intervals import upper_tail
from triage.insights.types import Cell

DRAWS = 25


@pytest.mark.parametrize(("dispersion", "days"), [(1.0, 60), (1.5, 35), (2.0, 90)])
def test_a_shop_where_nothing_is_wrong_rings_no_more_often_than_promised(dispersion: float, days: int) -> None:
    alarms = 0
    for seed in range(DRAWS):
        frame, day = drawn(seed, days=days, dispersion=dispersion)
        alarms += bool(detect(frame, day, UTC))
    # At a true rate of LEVEL, more than 4 of 25 come in less than one of a hundred runs.
    assert alarms <= 4
    assert upper_tail(5, DRAWS * LEVEL, DRAWS * LEVEL) < 0.01


def test_a_single_series_keeps_its_level_with_season_trend_and_more_than_chance() -> None:
    chance, below = np.random.default_rng(3), 0
    for _ in range(400):
        mean = 20 * np.array([1.3, 1.1, 1, 1, 0.9, 0.5, 0.4])[np.arange(57) % 7] * np.exp(0.1 * np.arange(57) / 28)
        counts = chance.negative_binomial(mean / 0.5, 1 / 1.5)
        guess = expected(counts[:56], 56 % 7)
        below += upper_tail(int(counts[56]), guess.mean, guess.variance) < 0.01
    assert below <= 10  # 4 are to be expected


def test_three_times_as_many_about_one_thing_are_found_and_named() -> None:
    named = 0
    for seed in range(8):
        frame, day = drawn(seed, wave=30)
        found = detect(frame, day, UTC)
        assert len(found) <= 2  # and what contains it, or lies within it, is not told again
        named += any(one.cell.intent == "i4" or one.cell.product == "p3" for one in found)
    assert named == 8


def test_one_customer_who_writes_thirty_times_is_one_persons_trouble() -> None:
    frame, day = drawn(5, wave=30, same_customer=True)
    assert detect(frame, day, UTC) == []


def test_what_was_never_written_about_before_is_found() -> None:
    history = [[contact(24 * day + hour, customer=day * 9 + hour) for hour in range(8)] for day in range(30)]
    new = [contact(24 * 30 + hour, customer=900 + hour, intent="product_recall") for hour in range(7)]
    (found,) = detect(frame_of(*history, new), date(2026, 5, 4) + timedelta(days=30), UTC)
    assert (found.cell, found.observed, found.expected < 0.1) == (Cell(intent="product_recall"), 7, True)
    assert found.history[-1] == (date(2026, 6, 3), 7)


def test_too_short_a_history_says_nothing() -> None:
    frame, day = drawn(1, days=NEEDED - 1, wave=200)
    assert history_days(frame, day, UTC) == NEEDED - 1
    assert detect(frame, day, UTC) == []
    longer, day = drawn(1, days=NEEDED, wave=200)
    assert detect(longer, day, UTC)


def test_a_wave_of_the_past_does_not_hide_the_next() -> None:
    counts = np.full(56, 4)
    counts[40] = 60
    clean, marked = expected(np.full(56, 4), 0), expected(counts, 0)
    assert marked.mean < 1.35 * clean.mean


def test_weekdays_are_learnt() -> None:
    week = np.array([30, 20, 20, 20, 20, 5, 5])
    counts = week[np.arange(84) % 7]
    assert expected(counts, 0).mean == pytest.approx(30, rel=0.1)
    assert expected(counts[:-2], 5).mean == pytest.approx(5, rel=0.25)


def test_a_cell_holds_its_contacts() -> None:
    lines = (("KT", "A"), ("PA", "B"))
    assert holds(Cell(), intent="x", region="", lines=())
    assert holds(Cell(product="PA", intent="x"), intent="x", region="DE", lines=lines)
    assert not holds(Cell(product="PA", supplier="A"), intent="x", region="DE", lines=lines)
    assert not holds(Cell(intent="x", region="PL"), intent="x", region="DE", lines=lines)
