"""The wiring of what is optional."""

from __future__ import annotations

import pytest

from triage.bootstrap import load_rewriter
from triage.drafting.generator import LlmRewriter
from triage.errors import ConfigurationError
from triage.settings import Settings
from triage.testing import FixedIdentifier


def test_no_language_model_unless_one_is_configured() -> None:
    assert load_rewriter(Settings(), FixedIdentifier()) is None


def test_an_endpoint_needs_a_model() -> None:
    with pytest.raises(ConfigurationError, match="TRIAGE_LLM_MODEL"):
        load_rewriter(Settings(llm_base_url="https://llm.example/v1"), FixedIdentifier())


@pytest.mark.parametrize("url", ["llm.example", "ftp://llm.example/v1", "https://user:secret@llm.example/v1"])
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_rewriter(Settings(llm_base_url=url, llm_model="m"), FixedIdentifier())
    assert "secret" not in str(caught.value)


def test_a_configured_endpoint_makes_a_rewriter() -> None:
    settings = Settings(llm_base_url="http://127.0.0.1:9/v1", llm_model="m")
    assert isinstance(load_rewriter(settings, FixedIdentifier()), LlmRewriter)
