"""The way in: passwords, sessions, cookies, forms, waits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY

from api.inbox.desk import Browser, Refused
from api.inbox.seat import device
from tests.integration.storage.scoping import watched
from tests.unit.api.conftest import PASSWORDS
from tests.unit.api.house import ELSEWHERE, OFFICE, House, build, form_token, opened
from triage.agents import first_agent
from triage.errors import Overloaded
from triage.storage import agents, log_in_attempts, migrate, schema, sessions
from triage.storage.database import Database, sqlite_url
from triage.storage.passwords import Passwords, weakness
from triage.storage.workspace import Workspace, create_workspace

MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("house"))


@pytest.fixture
def house(template: Path, tmp_path: Path) -> Iterator[House]:
    with watched(), opened(template, tmp_path) as made:
        yield made


def test_a_log_in_leads_to_the_page_that_was_wanted(house: House) -> None:
    browser = house.browser()
    page = browser.get("/account")
    assert page.url.path == "/login"
    assert 'name="next" value="/account"' in page.text
    answer = browser.post(
        "/login", data={"name": " ADA ", "password": "right", "next": "/account"}, follow_redirects=False
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert browser.get("/login").url.path == "/"


@pytest.mark.parametrize(
    "wanted", ["//evil.example", "https://evil.example/", "/\\evil.example", "/a?b", "x", "/%0d%0a"]
)
def test_a_log_in_leads_nowhere_else(house: House, wanted: str) -> None:
    form = {"name": "ada", "password": "right", "next": wanted}
    assert house.browser().post("/login", data=form, follow_redirects=False).headers["location"] == "/"


def test_a_script_without_a_session_is_told_so(house: House) -> None:
    answer = house.browser().get("/", headers={"Sec-Fetch-Dest": "empty"})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_another_site_cannot_log_a_browser_in(house: House) -> None:
    form = {"name": "ada", "password": "right"}
    answer = house.browser().post("/login", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_log_in_page_speaks_the_browsers_language(house: House) -> None:
    for asked, spoken in (("de-AT,de;q=0.9,en;q=0.5", "de"), ("ar", "ar"), ("zz", "en")):
        page = house.browser(language=asked).get("/login")
        assert f'<html lang="{spoken}"' in page.text
        assert "Accept-Language" in page.headers["vary"]


def test_the_cookie_is_plain_over_http(house: House) -> None:
    answer = house.browser().post("/login", data={"name": "ada", "password": "right"}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("triage_session=")
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    assert "secure" not in cookie


def test_the_cookie_is_bound_to_the_host_over_https(house: House) -> None:
    browser = house.browser(base="https://inbox.example")
    answer = browser.post("/login", data={"name": "ada", "password": "right"}, follow_redirects=False)
    name, _, rest = answer.headers["set-cookie"].partition("=")
    assert name == "__Host-triage"
    flags = {part.strip().lower() for part in rest.split(";")[1:]}
    assert flags == {"secure", "httponly", "path=/", "samesite=lax"}
    assert browser.get("/account").url.path == "/account"
    # A plain cookie can be planted by a neighbour over http, so it counts for nothing here.
    planted = house.browser(base="https://inbox.example", address=ELSEWHERE)
    planted.cookies.set("triage_session", browser.cookies["__Host-triage"])
    assert planted.get("/account").url.path == "/login"


def test_every_log_in_makes_a_token_of_its_own_and_ends_the_one_before(house: House) -> None:
    browser = house.log_in()
    first = browser.cookies["triage_session"]
    browser.post("/login", data={"name": "ada", "password": "right"})
    assert browser.cookies["triage_session"] != first
    old = house.browser()
    old.cookies.set("triage_session", first)
    assert old.get("/account").url.path == "/login"
    planted = house.browser()
    form = {"name": "ada", "password": "right"}
    answer = planted.post("/login", data=form, headers={"Cookie": "triage_session=planted"}, follow_redirects=False)
    token = answer.cookies["triage_session"]
    assert token != "planted"
    kept = house.rows(schema.sessions)
    assert len(kept) == 2
    assert all(token not in str(dict(row)) for row in kept)


def test_a_session_ends_idle_and_in_any_case(house: House) -> None:
    busy = house.log_in()
    ends = house.clock.moment + sessions.LONGEST
    while house.clock.moment + sessions.IDLE - MINUTE < ends:
        house.clock.moment += sessions.IDLE - MINUTE
        assert busy.get("/account").url.path == "/account"
    house.clock.moment = ends
    assert busy.get("/account").url.path == "/login"
    idle = house.log_in()
    house.clock.moment += sessions.IDLE
    assert idle.get("/account").url.path == "/login"


def test_a_session_holds_in_another_process_and_ends_in_all(house: House, template: Path, tmp_path: Path) -> None:
    browser = house.log_in()
    other = Database(str(house.database.engine.url))
    desk = house.app.state.desk
    assert desk.session(other, browser.cookies["triage_session"]).here.agent.login == "ada"
    house.post(browser, "/logout")
    assert "triage_session" not in browser.cookies
    for row in house.rows(schema.audit):
        assert "right" not in str(dict(row))
    assert house.rows(schema.sessions) == []
    other.close()


def test_an_agent_who_is_shut_out_is_out_at_the_next_request(house: House) -> None:
    browser = house.log_in()
    assert browser.get("/").status_code == 200
    ada = house.agent("ada")
    house.database.write(lambda c: agents.disable(Workspace(c, "demo"), ada.id, actor="t", now=house.clock.moment))
    assert browser.get("/").url.path == "/login"
    assert house.tries("ada", "right") == 401


def test_a_role_counts_from_the_next_request_on(house: House) -> None:
    browser = house.log_in("lea")
    assert browser.get("/settings/agents").status_code == 403
    lea = house.agent("lea")
    house.database.write(
        lambda c: agents.change_role(Workspace(c, "demo"), lea.id, "admin", actor="t", now=lea.created_at)
    )
    assert browser.get("/settings/agents").status_code == 200


def test_the_form_of_another_session_is_refused(house: House) -> None:
    ada, lea, again = house.log_in("ada"), house.log_in("lea"), house.log_in("ada")
    for foreign in (form_token(lea), form_token(again), "", "0" * 64, "é"):
        assert ada.post("/account", data={"token": foreign, "name": "Eve"}).status_code == 403
    assert house.agent("ada").name == "ada"
    house.post(ada, "/account", name="Ada L.", ui_language="pl")
    assert (house.agent("ada").name, house.agent("ada").ui_language) == ("Ada L.", "pl")
    assert '<html lang="pl"' in ada.get("/account").text


def test_five_failures_make_the_next_try_wait_ever_longer(house: House) -> None:
    assert [house.tries("ada", "wrong") for _ in range(6)] == [401] * 5 + [429]
    assert house.tries("ada", "right") == 429
    answer = house.browser().post("/login", data={"name": "ada", "password": "right"})
    assert answer.headers["retry-after"] == "61"
    for minutes in (1, 2, 4, 8, 15, 15):
        house.clock.moment += timedelta(minutes=minutes, seconds=1)
        assert house.tries("ada", "wrong") == 401
        assert house.tries("ada", "right") == 429
    house.clock.moment += timedelta(minutes=15, seconds=1)
    assert house.tries("ada", "right") == 303
    assert house.tries("ada", "wrong") == 401


def test_what_is_answered_does_not_tell_who_exists(house: House) -> None:
    shown = {}
    for login in ("ada", "nobody"):
        seen = []
        for _ in range(7):
            answer = house.browser(address=ELSEWHERE).post("/login", data={"name": login, "password": "wrong"})
            seen.append((answer.status_code, answer.headers.get("retry-after"), answer.text.replace(login, "x")))
        shown[login] = seen
    assert shown["ada"] == shown["nobody"]
    failed = [row for row in house.rows(schema.audit) if row["action"] == "agent.log_in_failed"]
    assert [row["subject"] for row in failed] == [house.agent("ada").id] * 5
    assert "nobody" not in "".join(str(dict(row)["subject"]) for row in house.rows(schema.audit))


def test_as_much_is_verified_for_nobody_as_for_somebody(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    accepts = PASSWORDS.accepts
    monkeypatch.setattr(PASSWORDS, "accepts", lambda *given: counted.append(given[0]) or accepts(*given))
    for login in ("ann", "ada", "nobody"):
        counted.clear()
        assert house.tries(login, "wrong") == 401
        assert len(counted) == 2  # ann is in two workspaces


def test_a_stranger_cannot_keep_the_owner_out(house: House) -> None:
    working = house.log_in("ada", address=OFFICE)
    for _ in range(8):
        house.tries("ada", "wrong", address=ELSEWHERE)
    assert house.tries("ada", "right", address=ELSEWHERE) == 429
    assert house.tries("ada", "right", address=f"{ELSEWHERE}0") == 429
    assert working.get("/").status_code == 200
    assert house.tries("ada", "right", address=OFFICE) == 303


def test_neighbours_in_one_network_of_ipv6_count_as_one(house: House) -> None:
    assert log_in_attempts.network("2001:db8:1:2::1") == log_in_attempts.network("2001:db8:1:2:ffff::9")
    assert log_in_attempts.network("2001:db8:1:2::1") != log_in_attempts.network("2001:db8:1:3::1")
    assert log_in_attempts.network("::ffff:192.0.2.7") == "192.0.2.7"
    assert log_in_attempts.network("a socket") == "a socket"


def test_the_person_of_two_workspaces_switches_between_them(house: House) -> None:
    browser = house.log_in("ann")
    page = browser.get("/account").text
    assert '<option value="demo" selected>Demo</option><option value="kite">Kite</option>' in page
    before = form_token(browser)
    assert house.post(browser, "/workspace", workspace="kite").status_code == 200
    assert '<option value="kite" selected>' in browser.get("/account").text
    assert browser.post("/account", data={"token": before, "name": "x"}).status_code == 403
    assert house.post(browser, "/workspace", workspace="none").status_code == 404
    assert "/workspace" not in house.log_in("ada").get("/account").text
    house.post(browser, "/logout")
    assert house.rows(schema.sessions, "demo")[0]["agent_id"] == house.agent("ada").id
    assert house.rows(schema.sessions, "kite") == []


def test_a_workspace_with_another_password_is_not_entered(house: House) -> None:
    kite = house.agent("ann", "kite")
    other = PASSWORDS.hash("another one")
    house.database.write(
        lambda c: agents.set_password(Workspace(c, "kite"), kite.id, other, actor="t", now=house.clock.moment)
    )
    browser = house.log_in("ann")
    assert "/workspace" not in browser.get("/account").text
    assert house.post(browser, "/workspace", workspace="kite").status_code == 404
    assert "Kite" in house.log_in("ann", "another one").get("/account").text


def test_one_who_is_shut_out_of_one_workspace_stays_in_the_other(house: House) -> None:
    browser = house.log_in("ann")
    house.post(browser, "/workspace", workspace="kite")
    kite = house.agent("ann", "kite")
    house.database.write(
        lambda c: Workspace(c, "kite").run(
            Workspace(c, "kite").update(schema.agents).where(schema.agents.c.id == kite.id).values(
                disabled_at=house.clock.moment
            )
        )
    )  # fmt: skip
    page = browser.get("/account")
    assert (page.status_code, "Demo" in page.text) == (200, True)


def test_a_hash_of_an_older_kind_is_made_anew_at_log_in(house: House, tmp_path: Path) -> None:
    weak = Passwords(CHEAPEST)
    strong = Passwords(RFC_9106_LOW_MEMORY)
    assert strong.is_outdated(weak.hash("x"))
    database = Database(sqlite_url(tmp_path / "old.db"))
    migrate.upgrade(database)
    database.write(lambda c: create_workspace(c, "demo", brand="x", now=house.clock.moment))
    salt = bytes(range(16))
    digest = hashlib.scrypt(b"from before", salt=salt, n=2**14, r=8, p=1)
    (tmp_path / "agent.json").write_text(json.dumps({"salt": salt.hex(), "scrypt": digest.hex()}))
    assert first_agent(database, weak, data=tmp_path) is None
    assert not (tmp_path / "agent.json").exists()
    desk = house.app.state.desk
    assert isinstance(desk.log_in(database, "agent", "from after", Browser()), Refused)
    assert isinstance(desk.log_in(database, "agent", "from before", Browser()), str)
    (row,) = database.read(lambda c: agents.of_login(c, "agent"))
    assert (row.role, row.password_hash and row.password_hash[:9]) == ("admin", "$argon2id")
    assert isinstance(desk.log_in(database, "agent", "from before", Browser()), str)
    database.close()


def test_the_first_agent_is_made_once(house: House, tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "new.db"))
    migrate.upgrade(database)
    database.write(lambda c: create_workspace(c, "demo", brand="x", now=house.clock.moment))
    made = first_agent(database, PASSWORDS, data=tmp_path)
    assert made
    assert first_agent(database, PASSWORDS, data=tmp_path) is None
    (row,) = database.read(lambda c: agents.of_login(c, "agent"))
    assert PASSWORDS.accepts(row.password_hash, made)
    assert first_agent(database, PASSWORDS, configured="set outside") is None
    (row,) = database.read(lambda c: agents.of_login(c, "agent"))
    assert PASSWORDS.accepts(row.password_hash, "set outside")
    database.close()


def test_passwords_are_kept_as_argon2id_of_the_rfc() -> None:
    strong = Passwords()
    hashed = strong.hash("pässword")
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert strong.accepts(hashed, "pa\u0308ssword")
    assert not strong.accepts(hashed, "password")
    assert not strong.accepts(None, "pässword")
    assert not strong.accepts("nonsense", "pässword")
    assert not strong.is_outdated(hashed)


def test_too_many_at_once_are_sent_away(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Passwords(CHEAPEST, together=1, waiting=-1)
    with pytest.raises(Overloaded):
        full.hash("x")
    monkeypatch.setattr(house.app.state.desk, "passwords", full)
    answer = house.browser().post("/login", data={"name": "ada", "password": "right"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "short"),
        ("x" * 201, "long"),
        ("annabelle1!", "login"),
        ("abababababab", "same"),
        ("correct horse", None),
    ],
)
def test_what_a_password_must_not_be(password: str, reason: str | None) -> None:
    assert weakness(password, "annabelle@shop.example") == reason


def test_browsers_are_called_as_people_call_them() -> None:
    chrome = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
    assert device(chrome) == "Chrome · Windows"
    assert device(chrome + " Edg/141.0") == "Edge · Windows"
    assert (
        device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1") == "Safari · iPhone"
    )
    assert device("curl/8") == ""
