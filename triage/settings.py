"""Settings: environment variables with the prefix ``TRIAGE_``, read once in the composition root."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

LANGUAGES = (
    "en", "pl", "id", "ar", "de", "es", "fr", "pt", "it", "nl", "tr", "cs", "ru", "uk", "ro", "sv", "da", "nb", "fi",
    "hu", "el", "vi", "ms", "sk", "bg", "hr", "ca", "he", "fa", "hi", "ja", "zh", "ko", "th",
)  # fmt: skip


class Settings(BaseSettings):
    """Everything that can be configured; each field is ``TRIAGE_<NAME>`` in the environment.

    Attributes:
        data: folder for what must survive a restart (keys, indexes).
        database_url: where messages, customers and drafts are kept: ``postgresql://user:password@host/name``, or
            ``sqlite:///file``; a file in ``data`` where unset.
        worker: whether the API's process also triages, sends and delivers; false where ``triage worker`` runs beside it.
        allow_private_webhooks: whether outgoing webhooks may lead to private addresses and go without TLS.
        mail_listen, mail_protocol: ``host:port`` to take mail at, and how; mailboxes with an IMAP server are polled anyway.
        model: folder with ``manifest.json``, ``encoder.onnx``, ``tokenizer.json`` and ``heads.npz``; the shipped
            weights where unset.
        articles: folder of Markdown articles for the workspace; the sample knowledge base where unset and ``demo``.
        reranker: folder with ``model.onnx`` and ``tokenizer.json`` of a cross-encoder that reads the leading passages once
            more; none where unset.
        precision: per cent of non-abstained messages whose primary intent should be right.
        band_high, band_medium: confidences from which a band is called high or medium.
        llm_base_url: an OpenAI-compatible endpoint (``…/v1``) that may rewrite drafts; nothing leaves the machine while unset.
        llm_api_key, llm_model, llm_timeout: its key, the model to ask, and seconds for one answer.
        channel_policies: overrides, e.g. ``{"amazon": {"sla_hours": 12}}``.
        agent_password: of the first agent, ``agent``, set anew at every start; made up and printed once where unset.
        oidc_issuer, oidc_client_id, oidc_client_secret, oidc_scopes: the company's identity provider (OpenID Connect), with
            which agents may log in; needs the extra ``oidc``. Its callback is ``/login/company/callback``.
        oidc_login_claim: which of its claims is an agent's login or e-mail.
        oidc_create_role: the role of somebody who comes with a company account and is no agent yet; nobody is added while unset.
        trusted_proxies: addresses, with commas between them, whose X-Forwarded-For and -Proto are believed.
    """

    model_config = SettingsConfigDict(env_prefix="TRIAGE_", extra="ignore", env_nested_delimiter="__")

    data: Path = Path("var")
    database_url: SecretStr | None = None
    worker: bool = True
    allow_private_webhooks: bool = False
    mail_listen: str | None = Field(default=None, pattern=r"^[^\s:]+:\d{1,5}$")
    mail_protocol: Literal["smtp", "lmtp"] = "smtp"
    model: Path | None = None
    articles: Path | None = None
    reranker: Path | None = None
    orders: Path | None = None
    phrases: Path | None = None
    demo: bool = True
    api_key: SecretStr | None = None
    agent_password: SecretStr | None = None
    brand: str = "Tamaro"
    default_language: str = "en"
    language_backend: str = "own"
    languages: tuple[str, ...] = LANGUAGES
    precision: Literal["90", "95", "98"] = "90"
    band_high: float = Field(default=0.8, gt=0, lt=1)
    band_medium: float = Field(default=0.5, gt=0, lt=1)
    channel_policies: dict[str, dict[str, Any]] = Field(default_factory=dict)
    llm_base_url: str | None = None
    llm_api_key: SecretStr | None = None
    llm_model: str | None = None
    llm_timeout: float = Field(default=30, gt=0, le=30)
    requests_per_minute: int = Field(default=6000, ge=1)
    most_waiting: int = Field(default=256, ge=1)
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_scopes: str = "openid email profile"
    oidc_login_claim: str = "email"
    oidc_create_role: Literal["agent", "lead", "admin"] | None = None
    trusted_proxies: str = "127.0.0.1"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
