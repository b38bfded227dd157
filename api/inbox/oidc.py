"""Log-in with the company's account: OpenID Connect's code flow with PKCE, through Authlib (the extra ``oidc``).

Nothing is kept here between the two halves of a log-in: the browser holds one secret in a cookie, out of which state, nonce
and code verifier are made, so that any process can finish what another began.
"""

from __future__ import annotations

import hmac
import logging
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from triage.errors import ConfigurationError, TriageError
from triage.settings import Settings

logger = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the provider can make; ``none`` and those with a shared secret are left out."""
LEEWAY = 60
"""Seconds by which the provider's clock may differ."""
KEPT_SECONDS, ASKED_AGAIN_SECONDS = 3600.0, 60.0
INSTALL = "TRIAGE_OIDC_ISSUER is set but Authlib is not installed: pip install 'triage-assistant[oidc]'"


class CompanyRefused(TriageError):
    """The company's answer proves nobody; the message is for the log and names no person."""

    code = "company_refused"


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who the provider says it is: ``subject`` for ever, ``known_as`` by the configured claim."""

    issuer: str
    subject: str
    known_as: str
    name: str


class CompanyAccounts:
    """One identity provider.

    Args:
        claim: which claim is an agent's login or e-mail.
        create_role: the role of an agent who is made at the first log-in; None admits only those who are agents already.

    Raises:
        ConfigurationError: Authlib is missing, or the issuer's address is none.
    """

    def __init__(
        self, *, issuer: str, client_id: str, client_secret: str | None, scopes: str = "openid email profile",
        claim: str = "email", create_role: str | None = None,
    ) -> None:  # fmt: skip
        try:
            from authlib.integrations import httpx_client
        except ImportError as error:
            raise ConfigurationError(INSTALL) from error
        _safe(issuer, ConfigurationError("TRIAGE_OIDC_ISSUER must be an https address"))
        self._client, self._errors = httpx_client.OAuth2Client, (httpx_client.OAuthError, httpx2.HTTPError, ValueError)
        self.issuer, self.claim, self.create_role = issuer, claim, create_role
        self._id, self._secret = client_id, client_secret
        self._scopes = scopes if "openid" in scopes.split() else f"openid {scopes}"
        self._guard = threading.Lock()
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    def begin(self, redirect: str) -> tuple[str, str]:
        """Where the browser goes, and the secret that its cookie keeps meanwhile.

        Raises:
            CompanyRefused: the provider does not answer as one.
        """
        secret = secrets.token_urlsafe(32)
        with self._open(redirect) as client:
            address, _ = client.create_authorization_url(
                self._endpoint("authorization_endpoint"), state=_derived(secret, "state"), nonce=_derived(secret, "nonce"),
                code_verifier=_derived(secret, "verifier"),
            )  # fmt: skip
        return address, secret

    def finish(self, secret: str, answer: Mapping[str, str], redirect: str) -> Account:
        """Who it is, once everything that the provider said is proved.

        Args:
            answer: the query of the provider's answer.

        Raises:
            CompanyRefused: which part is not as it must be.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), _derived(secret, "state").encode()):
            raise CompanyRefused("state")
        if "code" not in answer:
            raise CompanyRefused("the provider refused")
        if answer.get("iss", self._metadata()["issuer"]) != self._metadata()["issuer"]:
            raise CompanyRefused("iss of the answer (RFC 9207)")
        try:
            with self._open(redirect) as client:
                token = client.fetch_token(
                    self._endpoint("token_endpoint"), grant_type="authorization_code", code=answer["code"],
                    code_verifier=_derived(secret, "verifier"),
                )  # fmt: skip
                claims = self._proved(token, _derived(secret, "nonce"))
                if self.claim not in claims and "userinfo_endpoint" in self._metadata():
                    claims = self._told(client, claims)
        except self._errors as error:
            raise CompanyRefused(f"the token could not be fetched ({type(error).__name__})") from error
        return self._account(claims)

    def _proved(self, token: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the id_token: signature, issuer, audience, times and nonce (OpenID Connect Core, 3.1.3.7)."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError, JoseError
        from joserfc.jwk import KeySet
        from joserfc.jws import JWSRegistry

        metadata = self._metadata()
        offered = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        registry = JWSRegistry(algorithms=[name for name in offered if name in ALGORITHMS], strict_check_header=False)
        try:
            try:
                decoded = jwt.decode(token["id_token"], KeySet.import_key_set(self._keys()), registry=registry)
            except InvalidKeyIdError:  # the provider has new keys
                fresh = KeySet.import_key_set(self._keys(again=True))
                decoded = jwt.decode(token["id_token"], fresh, registry=registry)
            claims = CodeIDToken(
                decoded.claims, decoded.header,
                {
                    "iss": {"essential": True, "value": metadata["issuer"]},
                    "aud": {"essential": True, "value": self._id},
                    "exp": {"essential": True},
                    "nonce": {"essential": True, "value": nonce},
                },
                {"nonce": nonce, "client_id": self._id, "access_token": token.get("access_token")},
            )  # fmt: skip
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            claim = getattr(error, "claim", None)
            raise CompanyRefused(f"id_token: {claim or type(error).__name__}") from error
        return dict(claims)

    def _told(self, client: Any, claims: dict[str, Any]) -> dict[str, Any]:
        """What the provider says of the person beyond the id_token."""
        said = client.get(self._endpoint("userinfo_endpoint"))
        said.raise_for_status()
        told = said.json()
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            raise CompanyRefused("userinfo is of somebody else")
        return {**told, **claims}

    def _account(self, claims: Mapping[str, Any]) -> Account:
        known_as, subject = claims.get(self.claim), claims.get("sub")
        if not isinstance(known_as, str) or not known_as or not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise CompanyRefused(f"no claim {self.claim!r}")
        # Otherwise whoever types another's address into a form of the provider would be that other.
        if self.claim == "email" and claims.get("email_verified") not in (True, "true"):
            raise CompanyRefused("email_verified")
        name = claims.get("name")
        return Account(
            issuer=self._metadata()["issuer"], subject=subject, known_as=known_as, name=name if isinstance(name, str) else ""
        )  # fmt: skip

    def _open(self, redirect: str) -> Any:
        methods = self._metadata().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "none" if self._secret is None else "client_secret_basic"
        if self._secret is not None and method not in methods and "client_secret_post" in methods:
            method = "client_secret_post"
        return self._client(
            client_id=self._id, client_secret=self._secret, scope=self._scopes, redirect_uri=redirect,
            code_challenge_method="S256", token_endpoint_auth_method=method, timeout=10,
        )  # fmt: skip

    def _endpoint(self, name: str) -> str:
        return _safe(self._metadata().get(name), CompanyRefused(f"the provider names no {name}"))

    def _metadata(self) -> dict[str, Any]:
        found = self._fetched(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", KEPT_SECONDS)
        issuer = found.get("issuer")
        if not isinstance(issuer, str) or issuer.rstrip("/") != self.issuer.rstrip("/"):
            raise CompanyRefused("the provider names another issuer")
        return found

    def _keys(self, *, again: bool = False) -> Any:
        return self._fetched(self._endpoint("jwks_uri"), ASKED_AGAIN_SECONDS if again else KEPT_SECONDS)

    def _fetched(self, address: str, kept: float) -> dict[str, Any]:
        """What the provider publishes there, fetched anew where it is older than ``kept`` seconds."""
        with self._guard:
            at, known = self._known.get(address, (0.0, {}))
            if known and time.monotonic() - at < kept:
                return known
            try:
                answer = httpx2.get(address, timeout=10)
                answer.raise_for_status()
                found = answer.json()
            except (httpx2.HTTPError, ValueError) as error:
                raise CompanyRefused(f"the provider does not answer ({type(error).__name__})") from error
            if not isinstance(found, dict):
                raise CompanyRefused("the provider does not answer as one")
            self._known[address] = (time.monotonic(), found)
            return found


def company_accounts(settings: Settings) -> CompanyAccounts | None:
    """The configured provider; None where none is.

    Raises:
        ConfigurationError: what is missing.
    """
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None:
        raise ConfigurationError("TRIAGE_OIDC_ISSUER is set but TRIAGE_OIDC_CLIENT_ID is not")
    secret = settings.oidc_client_secret
    return CompanyAccounts(
        issuer=settings.oidc_issuer, client_id=settings.oidc_client_id, scopes=settings.oidc_scopes,
        client_secret=secret.get_secret_value() if secret else None, claim=settings.oidc_login_claim,
        create_role=settings.oidc_create_role,
    )  # fmt: skip


def _derived(secret: str, what: str) -> str:
    made = hmac.new(secret.encode("utf-8", "surrogatepass"), what.encode(), "sha256").digest()
    return urlsafe_b64encode(made).decode().rstrip("=")


def _safe(address: object, refusal: TriageError) -> str:
    """An https address; plain http only to this machine itself."""
    parts = urlsplit(address) if isinstance(address, str) else urlsplit("")
    own = parts.hostname in ("127.0.0.1", "::1", "localhost")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and own)):
        raise refusal
    return str(address)
