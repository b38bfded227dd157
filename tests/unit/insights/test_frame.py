from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.insights.shops import contact, frame_of
from triage.insights.frame import Contact, Decision, Flag, chosen, empty_contacts, empty_orders
from triage.insights.types import DIMENSIONS, Bucket, Filters

DAYS = {"since": date(2026, 5, 4), "until": date(2026, 5, 10)}
words = st.sampled_from(["", "a", "b", "ż", "字"])
contacts = st.builds(
    contact, st.floats(0, 20), channel=words, language=words, intent=words, region=words, urgency=words,
    flags=st.integers(0, 65535).map(Flag), decision=st.sampled_from(Decision),
    response=st.none() | st.floats(0, 1e6, width=32), lines=st.lists(st.tuples(words, words), max_size=3).map(tuple),
)  # fmt: skip


def belongs(one: Contact, filters: Filters) -> bool:
    """The same choice, in words."""
    wanted = dict(filters.narrowed)
    product, supplier = wanted.pop("product", None), wanted.pop("supplier", None)
    if any(getattr(one, name) != value for name, value in wanted.items()):
        return False
    for name, value, place in (("product", product, 0), ("supplier", supplier, 1)):
        if value == "" and any(line[place] for line in one.lines):
            return False
        assert name
    named = [(place, value) for place, value in ((0, product), (1, supplier)) if value]
    return not named or any(all(line[place] == value for place, value in named) for line in one.lines)


@given(st.lists(st.lists(contacts, max_size=4), min_size=1, max_size=3), st.data())
def test_a_selection_holds_what_the_filters_say(days: list[list[Contact]], data: st.DataObject) -> None:
    values = {name: data.draw(st.none() | words) for name in DIMENSIONS}
    filters = Filters(**DAYS, **values)
    found = chosen(frame_of(*days), filters)
    expected = [one for day in days for one in day if belongs(one, filters)]
    assert found.rows == len(expected)
    assert [found.words["channel"][code] for code in found["channel"]] == [one.channel for one in expected]
    assert found["flags"].tolist() == [int(one.flags) for one in expected]
    assert found.at.tolist() == [int(one.received_at.timestamp()) for one in expected]
    lines = {
        (int(row), found.words["line_product"][code])
        for row, code in zip(found["line_row"], found["line_product"], strict=True)
    }
    assert lines <= {(row, line[0]) for row, one in enumerate(expected) for line in one.lines}


def test_nothing_at_all_is_a_frame_too() -> None:
    assert empty_contacts().rows == empty_orders().rows == 0
    assert chosen(empty_contacts(), Filters(**DAYS, channel="email", product="x")).rows == 0


@pytest.mark.parametrize(
    ("since", "until", "bucket", "field"),
    [
        (date(2026, 5, 5), date(2026, 5, 4), None, "to"),
        (date(2010, 1, 1), date(2026, 1, 1), None, "from"),
        (date(1969, 1, 1), date(1969, 1, 2), None, "from"),
        (date(2026, 1, 1), date(2026, 3, 1), Bucket.HOUR, "bucket"),
    ],
)
def test_impossible_times_are_refused(since: date, until: date, bucket: Bucket | None, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Filters(since=since, until=until, bucket=bucket)
