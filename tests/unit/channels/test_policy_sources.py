from __future__ import annotations

from importlib.resources import files

import pytest
import yaml

from triage.channels.policies import OWN_SETTING, ChannelPolicies

TABLE = yaml.safe_load((files("triage.channels") / "policies.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("channel", sorted(TABLE))
def test_every_rule_of_a_channel_says_where_it_was_read(channel: str) -> None:
    rules = set(TABLE[channel]) - {"sources", "policy"}
    assert set(ChannelPolicies().sources(channel)) == rules
    assert all(where.strip() for where in ChannelPolicies().sources(channel).values())
    assert ChannelPolicies()[channel].source


def test_a_workspaces_own_value_does_not_borrow_the_packaged_source() -> None:
    policies = ChannelPolicies({"amazon": {"sla_hours": 12, "limit": 500, "sources": {"limit": "contract of 2026"}}})
    assert policies.sources("amazon")["sla_hours"] == OWN_SETTING
    assert policies.sources("amazon")["limit"] == "contract of 2026"
    assert "G1701" in policies.sources("amazon")["links"]


def test_an_unknown_channel_has_the_sources_of_the_default() -> None:
    assert ChannelPolicies().sources("pigeon") == ChannelPolicies().sources("default")
