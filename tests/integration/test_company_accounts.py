"""Log-in with a company account against a small OpenID provider of our own, spoken to over HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.testclient import TestClient

from api.inbox.oidc import CompanyAccounts, company_accounts
from tests.integration.storage.scoping import watched
from tests.unit.api.house import House, build, opened
from triage.errors import ConfigurationError
from triage.settings import Settings
from triage.storage import agents, schema
from triage.storage.workspace import Workspace

CLIENT, SECRET = "inbox", "s3cret"


@dataclass
class Provider:
    """What the provider knows and says; a test changes it to have it say something wrong."""

    address: str = ""
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "first", "use": "sig"}))
    published: list[RSAKey] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    forge: Callable[[str], str] | None = None

    def authorise(self, address: str) -> str:
        """Somebody logs in at the provider; the query with which the browser comes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        self.codes["c1"] = asked
        return f"code=c1&state={asked['state']}"

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.address, "aud": CLIENT, "sub": "s-1", "iat": now, "exp": now + 300, "nonce": nonce,
            "email": "ada@company.example", "email_verified": True, "name": "Ada L.", **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if name not in self.without}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def answer(self, path: str, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.address, "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token", "jwks_uri": f"{self.address}/jwks",
                "userinfo_endpoint": f"{self.address}/me", **self.metadata,
            }  # fmt: skip
        if path == "/jwks":
            return 200, KeySet(self.published or [self.key]).as_dict(private=False)
        if path == "/me":
            return (200, {"sub": "s-1", **self.told}) if authorization == "Bearer access" else (401, {})
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = _base64(verifier)
        basic = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or asked["code_challenge"] != challenge or authorization != basic:
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        token = (self.forge or self.id_token)(asked["nonce"])
        return 200, {"access_token": "access", "token_type": "Bearer", "expires_in": 300, "id_token": token}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._say(*made.answer(self.path, {}, self.headers.get("Authorization", "")))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self._say(*made.answer(self.path, form, self.headers.get("Authorization", "")))

        def _say(self, status: int, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("house"))


@pytest.fixture
def company(provider: Provider) -> CompanyAccounts:
    return CompanyAccounts(issuer=provider.address, client_id=CLIENT, client_secret=SECRET)


@pytest.fixture
def house(template: Path, tmp_path: Path, company: CompanyAccounts) -> Iterator[House]:
    with watched(), opened(template, tmp_path, company) as made:
        for workspace, login in (("demo", "ada@company.example"), ("kite", "ADA@company.example")):
            made.database.write(
                lambda c, w=workspace, login=login: agents.add(
                    Workspace(c, w), login=login, role="lead", actor="test", now=made.clock.moment
                )
            )
        yield made


def begun(house: House, provider: Provider, browser: TestClient, wanted: str = "/") -> str:
    answer = browser.get("/login/company", params={"next": wanted}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{provider.address}/authorize?")
    return provider.authorise(answer.headers["location"])


def logged_in(house: House, provider: Provider) -> tuple[int, str]:
    """The status and the page of a whole log-in in a new browser."""
    browser = house.browser()
    query = begun(house, provider, browser)
    answer = browser.get(f"/login/company/callback?{query}", follow_redirects=False)
    if answer.status_code == 303:
        assert browser.get("/account").url.path == "/account"
    else:
        assert "triage_session" not in browser.cookies
    return answer.status_code, answer.text


def test_who_is_proved_is_logged_in_everywhere_where_they_are_an_agent(house: House, provider: Provider) -> None:
    browser = house.browser()
    assert "/login/company" in browser.get("/login").text
    query = begun(house, provider, browser, "/account")
    answer = browser.get(f"/login/company/callback?{query}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert "triage_company" not in browser.cookies
    page = browser.get("/account").text
    assert "ada@company.example" in page
    assert 'value="kite"' in page
    assert "/account/password" not in page
    assert house.agent("ada@company.example").oidc_subject == "s-1"
    assert [row["details"] for row in house.rows(schema.audit) if row["action"] == "agent.logged_in"] == [
        {"via": "oidc"}
    ]
    # The same person under another address is still the same person.
    provider.claims["email"] = "ada.lovelace@company.example"
    assert logged_in(house, provider)[0] == 303


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "another"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"iss": "https://another.example"},
        {"exp": 1},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"email_verified": False},
        {"email": None},
        {"sub": ""},
        {"at_hash": "another"},
    ],
    ids=str,
)
def test_a_claim_that_is_wrong_proves_nobody(house: House, provider: Provider, wrong: dict[str, Any]) -> None:
    provider.claims = wrong
    status, page = logged_in(house, provider)
    assert status == 403
    assert "did not work" in page
    assert house.rows(schema.sessions) == []


@pytest.mark.parametrize("missing", ["nonce", "aud", "iss", "exp", "iat", "sub", "email_verified"])
def test_a_claim_that_is_missing_proves_nobody(house: House, provider: Provider, missing: str) -> None:
    provider.without = (missing,)
    assert logged_in(house, provider)[0] == 403


def test_a_signature_of_another_or_of_none_proves_nobody(house: House, provider: Provider) -> None:
    own = provider.key
    provider.published, provider.key = [own], RSAKey.generate_key(2048, {"kid": own.kid})
    assert logged_in(house, provider)[0] == 403
    provider.key = own
    # The provider's own list is no reason to take what anybody can make.
    provider.metadata = {"id_token_signing_alg_values_supported": ["RS256", "HS256", "none"]}
    assert logged_in(house, provider)[0] == 303

    def forged(algorithm: str, secret: bytes | None) -> Callable[[str], str]:
        def make(nonce: str) -> str:
            header = _base64(json.dumps({"alg": algorithm, "kid": own.kid}).encode())
            content = f"{header}.{provider.id_token(nonce).split('.')[1]}"
            return f"{content}.{_base64(hmac.digest(secret, content.encode(), 'sha256')) if secret else ''}"

        return make

    public = own.as_pem(private=False)
    for forge in (forged("none", None), forged("HS256", public), forged("HS256", SECRET.encode()), lambda nonce: "x"):
        provider.forge = forge
        assert logged_in(house, provider)[0] == 403


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def test_a_new_key_of_the_provider_is_fetched(house: House, provider: Provider, company: CompanyAccounts) -> None:
    assert logged_in(house, provider)[0] == 303
    provider.key = RSAKey.generate_key(2048, {"kid": "second", "use": "sig"})
    keys = f"{provider.address}/jwks"
    at, known = company._known[keys]
    company._known[keys] = (at - 61, known)  # asked again once a minute at most
    assert logged_in(house, provider)[0] == 303


def test_an_answer_that_this_browser_did_not_ask_for_is_refused(house: House, provider: Provider) -> None:
    browser, stranger = house.browser(), house.browser()
    query = begun(house, provider, browser)
    assert stranger.get(f"/login/company/callback?{query}").status_code == 403
    begun(house, provider, stranger)
    assert stranger.get(f"/login/company/callback?{query}").status_code == 403
    assert browser.get("/login/company/callback?error=access_denied&state=x").status_code == 403
    assert browser.get(f"/login/company/callback?{query}").status_code == 403  # the cookie went with the first answer


def test_an_answer_of_another_issuer_is_refused(house: House, provider: Provider) -> None:
    browser = house.browser()
    query = begun(house, provider, browser)
    assert browser.get(f"/login/company/callback?{query}&iss=https://another.example").status_code == 403


def test_nobody_s_account_and_one_who_is_shut_out_stay_outside(house: House, provider: Provider) -> None:
    for workspace in ("demo", "kite"):
        who = house.agent("ada@company.example", workspace).id
        house.database.write(
            lambda c, w=workspace, who=who: agents.disable(Workspace(c, w), who, actor="t", now=house.clock.moment)
        )
    status, page = logged_in(house, provider)
    assert (status, "Ask an admin" in page) == (403, True)
    provider.claims = {"email": "eve@company.example", "sub": "s-9"}
    assert logged_in(house, provider)[0] == 403
    assert house.rows(schema.sessions) == []


def test_another_account_with_a_known_address_is_not_that_agent(house: House, provider: Provider) -> None:
    assert logged_in(house, provider)[0] == 303
    provider.claims = {"sub": "s-2"}
    assert logged_in(house, provider)[0] == 403


def test_an_agent_is_made_only_where_the_settings_say_so(
    house: House, provider: Provider, company: CompanyAccounts
) -> None:
    company.create_role = "agent"
    provider.claims = {"email": "new@company.example", "sub": "s-3"}
    assert logged_in(house, provider)[0] == 303
    new = house.agent("new@company.example")
    assert (new.role, new.name, new.password_hash) == ("agent", "Ada L.", None)
    assert house.tries("new@company.example", "") == 401


def test_a_claim_is_asked_for_where_the_token_has_none(house: House, provider: Provider) -> None:
    provider.without = ("email", "email_verified")
    provider.told = {"email": "ada@company.example", "email_verified": True}
    assert logged_in(house, provider)[0] == 303
    provider.told["sub"] = "somebody else"
    assert logged_in(house, provider)[0] == 403


def test_a_provider_that_is_none_is_said(house: House, provider: Provider, company: CompanyAccounts) -> None:
    provider.metadata = {"issuer": "https://another.example"}
    assert house.browser().get("/login/company").status_code == 502
    company._known.clear()
    provider.metadata = {"token_endpoint": "http://192.0.2.1/token"}
    assert logged_in(house, provider)[0] == 403


def test_over_https_the_secret_stays_with_the_host(house: House, provider: Provider) -> None:
    browser = house.browser(base="https://inbox.example")
    answer = browser.get("/login/company", follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("__host-triage-company=")
    for flag in ("secure", "httponly", "samesite=lax", "max-age=600"):
        assert flag in cookie
    assert "https%3A%2F%2Finbox.example%2Flogin%2Fcompany%2Fcallback" in answer.headers["location"]


def test_settings_that_lack_something_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert company_accounts(Settings()) is None
    with pytest.raises(ConfigurationError, match="CLIENT_ID"):
        company_accounts(Settings(oidc_issuer="https://idp.example"))
    with pytest.raises(ConfigurationError, match="https"):
        company_accounts(Settings(oidc_issuer="http://idp.example", oidc_client_id="x"))
    monkeypatch.setitem(sys.modules, "authlib.integrations", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'triage-assistant\[oidc\]'"):
        company_accounts(Settings(oidc_issuer="https://idp.example", oidc_client_id="x"))
