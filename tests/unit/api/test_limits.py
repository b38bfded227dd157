from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from api.limits import _without_surrogates
from triage.channels.payload import depth

JSON = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def _nesting(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((_nesting(item) for item in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_nesting(item) for item in value), default=0)
    return 0


@given(JSON)
def test_the_depth_is_that_of_the_parsed_value(value: object) -> None:
    assert depth(json.dumps(value)) == _nesting(value)
    assert depth(json.dumps(value, ensure_ascii=False)) == _nesting(value)


@given(st.text(st.characters(exclude_categories=())))
def test_surrogates_are_replaced_one_for_one(text: str) -> None:
    clean = _without_surrogates(text)
    assert len(clean) == len(text)
    clean.encode("utf-8")
