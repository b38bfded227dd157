"""Roles, the page of agents, and one's own account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.inbox.seat import any_seat, signed_in
from tests.integration.storage.scoping import watched
from tests.unit.api.conftest import PASSWORDS
from tests.unit.api.house import House, build, opened
from triage import agents as accounts
from triage.cli import app
from triage.storage import schema
from triage.storage.agents import ROLES
from triage.storage.database import sqlite_url

OPEN = {"/login", "/login/company", "/login/company/callback", "/static/{name}", "/knowledge/{article_id}"}
"""Pages for everybody; the last leads on to the article's, which asks."""
OWN = {"/logout", "/workspace", "/account/password"}
"""Pages for every agent, also with an initial password that is still to be changed."""
LEAST = (
    ("/settings/agents", "GET", "admin"), ("/settings", "POST", "admin"), ("/settings", "GET", "lead"),
    ("/insights", "GET", "lead"), ("/knowledge", "POST", "lead"),
)  # fmt: skip
"""The least role that these pages and what is below them ask for; a page may ask for more."""
EXCEPT = {"/knowledge/try", "/knowledge/articles/{article_id}"}
"""Forms that try something out and change nothing; the article's asks for a lead by itself where it saves."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("house"))


@pytest.fixture
def house(template: Path, tmp_path: Path) -> Iterator[House]:
    with watched(), opened(template, tmp_path) as made:
        yield made


def pages(routes: Any) -> Iterator[APIRoute]:
    """Every page of the inbox, wherever it was added."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from pages(route.original_router.routes)
        elif isinstance(route, APIRoute) and not route.include_in_schema:
            yield route


def calls(dependant: Dependant) -> set[Any]:
    return {dependant.call}.union(*(calls(inner) for inner in dependant.dependencies))


def least(route: APIRoute) -> str:
    """The least role that a page lets in."""
    asked = [call.least for call in calls(route.dependant) if hasattr(call, "least")]
    return max(asked, key=ROLES.index, default="agent")


def test_every_page_has_decided_who_may_see_it(house: House) -> None:
    found = list(pages(house.app.routes))
    assert len(found) > 20
    for route in found:
        asked = calls(route.dependant)
        if route.path in OPEN:
            assert any_seat not in asked, route.path
        elif route.path in OWN:
            assert any_seat in asked, route.path
        else:
            assert signed_in in asked, f"{route.path}: take SignedIn, LeadSignedIn or AdminSignedIn"
        for start, method, role in LEAST:
            below = route.path == start or route.path.startswith(f"{start}/")
            if below and method in (route.methods or ()) and route.path not in EXCEPT:
                assert ROLES.index(least(route)) >= ROLES.index(role), f"{method} {route.path} is for {role} and above"


def test_every_page_keeps_out_whom_it_is_not_for(house: House) -> None:
    browsers = {role: house.log_in(login) for role, login in (("agent", "ada"), ("lead", "lea"))}
    stranger = house.browser()
    for route in pages(house.app.routes):
        path = re.sub(r"\{[^}]+\}", "none", route.path)
        for method in sorted(route.methods or ()):
            if route.path not in OPEN:
                answer = stranger.request(method, path, follow_redirects=False)
                assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/login"), path
            for role, browser in browsers.items():
                if ROLES.index(role) < ROLES.index(least(route)):
                    answer = browser.request(method, path, follow_redirects=False)
                    assert answer.status_code == 403, f"{method} {path} as {role}"
                    assert "/account" in answer.text


def test_every_form_wants_its_own_token(house: House) -> None:
    admin = house.log_in("ann")
    for route in pages(house.app.routes):
        if "POST" in (route.methods or ()) and route.path not in OPEN:
            path = re.sub(r"\{[^}]+\}", "none", route.path)
            answer = admin.post(path, data={"token": "0" * 64}, follow_redirects=False)
            # A form with a file is refused for its kind before it is read.
            assert answer.status_code in (403, 415), path


def test_who_may_not_see_a_page_is_told_who_may(house: House) -> None:
    page = house.log_in("ada").get("/settings/agents")
    assert page.status_code == 403
    assert "This page is for admins." in page.text
    assert "<bdi>ann</bdi>" in page.text
    assert "<bdi>lea</bdi>" not in page.text
    assert '<a href="/settings">' not in page.text
    refused = house.log_in("lea").get("/settings/agents", headers={"Sec-Fetch-Dest": "empty"})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def initial(page: str) -> str:
    found = re.search(r'class="secret" value="([^"]+)"', page)
    assert found
    return unescape(found[1])


def test_an_agent_is_added_and_chooses_a_password_first(house: House) -> None:
    admin = house.log_in("ann")
    page = house.post(admin, "/settings/agents", login="Zoë", role="lead")
    assert (page.status_code, "A login has 1 to 64" in page.text) == (422, True)
    page = house.post(admin, "/settings/agents", login="Zoe@Shop.example", name="Zoë <b>", role="lead")
    password = initial(page.text)
    assert "Zoë &lt;b&gt;" in page.text
    assert password not in admin.get("/settings/agents").text
    assert password not in str([dict(row) for row in house.rows(schema.agents)])
    taken = house.post(admin, "/settings/agents", login="zoe@shop.example")
    assert (taken.status_code, "already" in taken.text) == (409, True)

    new = house.log_in("zoe@shop.example", password)
    for path in ("/", "/account", "/try", "/settings"):
        assert new.get(path).url.path == "/account/password"
    assert new.get("/", headers={"Sec-Fetch-Dest": "empty"}).status_code == 403
    for chosen, repeated, said in (
        ("short", "short", "too short"), ("correct horse", "correct house", "differ"), (password, password, "other than"),
    ):  # fmt: skip
        page = house.post(new, "/account/password", new=chosen, repeated=repeated)
        assert (page.status_code, said in page.text) == (422, True)
    answer = house.post(new, "/account/password", new="correct horse", repeated="correct horse")
    assert answer.url.path == "/"
    assert house.agent("zoe@shop.example").role == "lead"
    assert house.tries("zoe@shop.example", password) == 401
    assert house.tries("zoe@shop.example", "correct horse") == 303


def test_an_initial_password_ends(house: House) -> None:
    admin = house.log_in("ann")
    password = initial(house.post(admin, "/settings/agents", login="zoe").text)
    house.clock.moment += timedelta(days=3, minutes=1)
    assert house.tries("zoe", password) == 401


def test_a_new_initial_password_ends_the_sessions(house: House) -> None:
    admin, ada = house.log_in("ann"), house.log_in("ada")
    page = house.post(admin, f"/settings/agents/{house.agent('ada').id}/password")
    assert ada.get("/").url.path == "/login"
    assert house.tries("ada", "right") == 401
    assert house.log_in("ada", initial(page.text)).get("/").url.path == "/account/password"


def test_roles_are_changed_and_the_last_admin_stays(house: House) -> None:
    admin = house.log_in("ann")
    ann, lea = house.agent("ann"), house.agent("lea")
    last = house.post(admin, f"/settings/agents/{ann.id}/role", role="agent")
    assert (last.status_code, "the last admin" in last.text) == (409, True)
    own = house.post(admin, f"/settings/agents/{ann.id}/disable")
    assert (own.status_code, "cannot shut yourself out" in own.text) == (409, True)
    assert house.post(admin, f"/settings/agents/{lea.id}/role", role="king").status_code == 422
    assert "role is changed" in house.post(admin, f"/settings/agents/{lea.id}/role", role="admin").text
    assert house.post(admin, f"/settings/agents/{ann.id}/role", role="agent").url.path == "/"
    assert admin.get("/settings/agents").status_code == 403
    told = {row["subject"]: row for row in house.rows(schema.audit) if row["action"] == "agent.role_changed"}
    assert (told[lea.id]["actor"], told[lea.id]["details"]) == ("agent:ann", {"from": "lead", "to": "admin"})
    assert told[ann.id]["details"] == {"from": "admin", "to": "agent"}


def test_an_agent_is_shut_out_and_let_in_again(house: House) -> None:
    admin, ada = house.log_in("ann"), house.log_in("ada")
    address = f"/settings/agents/{house.agent('ada').id}"
    assert "shut out" in house.post(admin, f"{address}/disable").text
    assert ada.get("/").url.path == "/login"
    assert "Let in again" in admin.get("/settings/agents").text
    house.post(admin, f"{address}/enable")
    assert ada.get("/").url.path == "/login"
    ada = house.log_in("ada")
    assert "logged out everywhere" in house.post(admin, f"{address}/sessions/end").text
    assert ada.get("/").url.path == "/login"


def test_agents_of_another_workspace_are_not_there(house: House) -> None:
    admin = house.log_in("ann")
    foreign = house.agent("ann", "kite").id
    for what in ("role", "disable", "enable", "password", "sessions/end"):
        assert house.post(admin, f"/settings/agents/{foreign}/{what}", role="agent").status_code == 404
    assert house.agent("ann", "kite").role == "admin"


def test_a_new_password_ends_the_other_sessions(house: House) -> None:
    here, there = house.log_in("ann"), house.log_in("ann")
    form = {"old": "right", "new": "correct horse", "repeated": "correct horse"}
    wrong = house.post(here, "/account/password", **{**form, "old": "wrong"})
    assert (wrong.status_code, "not your current password" in wrong.text) == (422, True)
    page = house.post(here, "/account/password", **form)
    assert "Your password is changed" in page.text
    assert there.get("/").url.path == "/login"
    assert house.tries("ann", "right") == 401
    # The other workspace had the same password, and has it still.
    assert 'value="kite"' in house.log_in("ann", "correct horse").get("/account").text


def test_a_browser_left_open_is_no_way_to_guess(house: House) -> None:
    browser = house.log_in("ada")
    form = {"new": "correct horse", "repeated": "correct horse"}
    for _ in range(5):
        house.post(browser, "/account/password", old="wrong", **form)
    assert house.post(browser, "/account/password", old="right", **form).status_code == 422
    assert house.tries("ada", "right") == 303


def sessions_of(browser: TestClient) -> list[str]:
    return re.findall(r'action="/account/sessions/(ses_\w+)/end"', browser.get("/account").text)


def test_sessions_are_listed_and_ended(house: House) -> None:
    here = house.log_in("ada", agent="Mozilla/5.0 (X11; Linux) Firefox/140.0")
    phone = house.log_in("ada", agent="Mozilla/5.0 (iPhone) Safari/604.1", address="198.51.100.4")
    third = house.log_in("ada")
    page = here.get("/account").text
    assert "Safari · iPhone" in page
    assert "198.51.100.4" in page
    foreign = sessions_of(house.log_in("ada"))[0]
    lea = house.log_in("lea")
    assert house.post(lea, f"/account/sessions/{foreign}/end").status_code == 404
    kept = next(row for row in house.rows(schema.sessions) if row["device"] == "Safari · iPhone")
    assert "session has ended" in house.post(here, f"/account/sessions/{kept['id']}/end").text
    assert phone.get("/").url.path == "/login"
    house.post(here, "/account/sessions/end")
    assert third.get("/").url.path == "/login"
    assert here.get("/").url.path == "/"
    again = house.log_in("ada")
    house.post(here, "/logout", everywhere="1")
    assert again.get("/").url.path == "/login"
    assert lea.get("/").url.path == "/"


def test_the_account_keeps_name_and_language(house: House) -> None:
    browser = house.log_in("ada", language="de")
    assert '<html lang="de"' in browser.get("/account").text
    house.post(browser, "/account", name=" ", ui_language="xx")
    assert (house.agent("ada").name, house.agent("ada").ui_language) == ("ada", None)
    page = house.post(browser, "/account", name="<b>Ada</b>", ui_language="ar").text
    assert '<html lang="ar" dir="rtl"' in page
    assert "&lt;b&gt;Ada&lt;/b&gt;" in page


def test_the_command_line_adds_lists_and_resets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, template: Path
) -> None:
    monkeypatch.setenv("TRIAGE_DATABASE_URL", sqlite_url(tmp_path / "triage.db"))
    monkeypatch.setenv("TRIAGE_DATA", str(tmp_path))
    monkeypatch.setattr(accounts, "Passwords", lambda: PASSWORDS)
    run = CliRunner().invoke
    with opened(template, tmp_path) as house:
        added = run(app, ["agents", "add", "Bob", "--role", "lead"])
        assert added.exit_code == 0, added.output
        password = added.output.split()[2]
        assert house.log_in("bob", password).get("/").url.path == "/account/password"
        listed = run(app, ["agents", "list"]).output
        assert "bob\tlead\tbob\t20" in listed
        assert "lea\tlead\tlea\tnever" in listed
        assert password not in listed
        again = run(app, ["agents", "password", "bob"])
        assert house.tries("bob", password) == 401
        assert house.tries("bob", again.output.split()[2]) == 303
        for wrong, said in (
            (["add", "bob"], "already"), (["add", "x", "--role", "king"], "none of agent"), (["add", "a b"], "a login has"),
            (["add", "x", "--workspace", "none"], "no workspace"), (["password", "nobody"], "no agent"),
        ):  # fmt: skip
            refused = run(app, ["agents", *wrong])
            assert refused.exit_code == 1
            assert said in refused.stderr
