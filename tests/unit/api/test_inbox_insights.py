"""The pages of figures over a SQLite file: what they show, what they keep, what they never say."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api.inbox.i18n import LANGUAGES
from api.inbox.insights import scales
from api.inbox.insights.asked import asked
from api.inbox.insights.charts import Drawing, Line, Times
from api.inbox.insights.compared import products
from api.inbox.insights.sections import Writing
from api.inbox.wording import wording
from tests.integration.storage.scoping import watched
from tests.unit.api import house as houses
from tests.unit.api.house import House
from triage.insights.frame import Contact, Decision, Flag, PlacedOrder, Touch, pack_contacts, pack_orders
from triage.insights.intervals import share
from triage.insights.tables import csv_text
from triage.insights.types import Choices, Filters, Standing, SupplierRow, Suppliers
from triage.storage import insights, schema
from triage.storage.columns import new_id
from triage.storage.insights import days
from triage.storage.intake import receive
from triage.storage.workspace import Workspace
from triage.types import Arrival, Customer, InboundMessage, Sender

PAGES = ("", "/volume", "/response", "/backlog", "/drafts", "/model", "/repeats", "/anomalies", "/suppliers")
HOSTILE = '"><script>alert(1)</script><b>x'
USUAL = Flag.OPENS | Flag.BEGINS | Flag.READ | Flag.NEEDS_REPLY | Flag.DRAFTED


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return houses.build(tmp_path_factory.mktemp("insights"))


@pytest.fixture
def house(built: Path, tmp_path: Path) -> Iterator[House]:
    with watched(), houses.opened(built, tmp_path) as made:
        yield made


@pytest.fixture
def lead(house: House) -> TestClient:
    return house.log_in("lea")


def _today() -> date:
    return datetime.now(UTC).date()


def _contact(day: date, hour: int = 9, **more: Any) -> Contact:
    usual = {
        "channel": "email", "language": "de", "region": "DE", "intent": "delivery_late", "said": "delivery_late",
        "urgency": "normal", "model": "m1", "flags": USUAL, "decision": Decision.ACCEPTED, "distance": 0.0,
        "response": 3600.0, "due": 7200.0, "customer": 1,
    }  # fmt: skip
    return Contact(received_at=datetime(day.year, day.month, day.day, hour, tzinfo=UTC), **{**usual, **more})


def _keep(
    house: House, contacts: dict[date, list[Contact]], orders: dict[date, list[PlacedOrder]] | None = None
) -> None:
    def work(connection: Any) -> None:
        workspace, now = Workspace(connection, "demo"), datetime.now(UTC)
        for day, found in contacts.items():
            days.keep(workspace, "contacts", day, content=pack_contacts(found), size=len(found), now=now)
        for day, placed in (orders or {}).items():
            days.keep(workspace, "orders", day, content=pack_orders(placed), size=len(placed), now=now)

    house.database.write(work)


@pytest.fixture
def shop(house: House) -> House:
    """Five contacts four days ago, three the day after; two products, three suppliers."""
    first, second = _today() - timedelta(days=4), _today() - timedelta(days=3)
    kettle = (("KT-210", "Huta Warta"),)
    _keep(
        house,
        {
            first: [
                _contact(first, lines=kettle),
                _contact(first, 10, decision=Decision.EDITED, distance=0.4, customer=2, lines=kettle),
                _contact(first, 11, channel="amazon", decision=Decision.REJECTED, distance=None, response=9000.0, customer=3),
                _contact(first, 12, intent="track_order", said="track_order", language="ar", customer=4),
                _contact(first, 13, flags=Flag.READ, decision=Decision.NONE, distance=None, response=None, due=None, customer=5),
            ],
            second: [
                _contact(second, customer=6, flags=USUAL | Flag.ASKED_BEFORE),
                _contact(second, 10, customer=7),
                _contact(second, 11, response=None, decision=Decision.PENDING, distance=None, customer=8),
            ],
        },
        {first: _orders(first, "KT-210", {"Huta Warta": (60, 2), "Ningbo": (60, 30), "Tiny": (4, 3)})
         + _orders(first, "CH-7", {"Loom": (10, 1)})},
    )  # fmt: skip
    return house


def _orders(day: date, product: str, suppliers: dict[str, tuple[int, int]]) -> list[PlacedOrder]:
    at, touch = datetime(day.year, day.month, day.day, 8, tzinfo=UTC), (Touch(channel="email", intent="damaged_item"),)
    return [
        PlacedOrder(placed_at=at, region="DE", lines=((product, name),), touches=touch if number < contacted else ())
        for name, (orders, contacted) in suppliers.items()
        for number in range(orders)
    ]


class _Page(HTMLParser):
    """Addresses, tables and images of a page, and what a strict policy would not let through."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.styled: list[str] = []
        self.ids: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.scopes = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.links += [found["href"] or ""] if tag == "a" else []
        self.styled += (
            [tag] if "style" in found or tag == "style" or any(name.startswith("on") for name in found) else []
        )
        self.ids += [found["id"] or ""] if "id" in found else []
        self.images += [found] if found.get("role") == "img" else []
        self.scopes += tag == "th" and "scope" not in found


def _shown(browser: TestClient, address: str) -> tuple[str, _Page]:
    answer = browser.get(address)
    assert answer.status_code == 200, (address, answer.text[:300])
    return answer.text, _Page(answer.text)


def test_figures_are_for_leads(house: House) -> None:
    agent = house.log_in("ada")
    for path in PAGES:
        assert agent.get(f"/insights{path}").status_code == 403
    assert agent.get("/insights/volume.csv").status_code == 403
    assert "Log in" in house.browser().get("/insights").text


@pytest.mark.parametrize("path", PAGES)
def test_an_empty_shop_is_told_what_will_appear(lead: TestClient, path: str) -> None:
    page = lead.get(f"/insights{path}")
    assert page.status_code == 200
    assert (
        "first message" in page.text
        or "first reply" in page.text
        or "Import them" in page.text
        or "Nobody" in page.text
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_keeps_to_the_policy_in_every_language(shop: House, path: str, language: str) -> None:
    text, page = _shown(shop.log_in("lea", language=language), f"/insights{path}?days=7")
    assert page.styled == []
    assert len(page.ids) == len(set(page.ids))
    assert page.scopes == 0
    for image in page.images:
        named = (image["aria-labelledby"] or "").split()
        assert len(named) == 2
        assert set(named) <= set(page.ids)
    assert "None" not in re.sub(r"<[^>]*>", "", text)


def test_the_overview_shows_what_an_owner_asks_first(shop: House) -> None:
    text, page = _shown(shop.log_in("lea"), "/insights")
    for words in ("Messages", "First reply", "Answered in time", "Waiting now", "Sent as written", "What stands out"):
        assert words in text
    assert re.search(r'class="big">8<', text)
    assert re.search(r'class="big">1\Wh<', text)
    assert "5 of 7; likely between" in text, "of seven that were due one came late and one is open"
    assert "This takes 28 days of messages to learn what is usual; there are 4 so far." in text
    assert {"/insights/volume", "/insights/response", "/insights/drafts"} <= set(page.links)


def test_rows_lead_to_the_figures_and_to_the_queue(shop: House) -> None:
    _, page = _shown(shop.log_in("lea"), "/insights/volume?channel=email&days=7")
    queue = [
        dict(parse_qsl(urlsplit(link).query, keep_blank_values=True)) for link in page.links if link.startswith("/?")
    ]
    assert {"status": "", "channel": "email", "intent": "track_order"} in queue
    assert {"status": "", "channel": "email", "language": "ar"} in queue
    narrowed = [link for link in page.links if "product=KT-210" in link]
    assert narrowed
    assert all("channel=email" in link and "days=7" in link for link in narrowed)
    assert not [link for link in page.links if link.startswith("/?") and "product" in link], (
        "the queue knows no products"
    )


def test_filters_are_kept_over_the_tabs_and_can_be_taken_away(shop: House) -> None:
    text, page = _shown(shop.log_in("lea"), "/insights/drafts?days=90&intent=track_order&region=-")
    tabs = [link for link in page.links if urlsplit(link).path == "/insights/response"]
    assert tabs
    assert dict(parse_qsl(urlsplit(tabs[0]).query)) == {"days": "90", "intent": "track_order", "region": "-"}
    assert '<option value="track_order" selected>track order</option>' in text
    assert '<option value="-" selected>unknown market</option>' in text
    assert "/insights/drafts?days=90&region=-" in page.links


def test_days_that_cannot_be_shown_are_refused_with_a_reason(shop: House) -> None:
    browser = shop.log_in("lea")
    for query in (
        "from=2026-02-03&to=2026-02-01",
        "from=1066-10-14",
        "from=yesterday",
        "to=9999-12-31&from=0001-01-01",
    ):
        answer = browser.get(f"/insights/volume?{query}")
        assert answer.status_code == 422
        assert "These days cannot be shown" in answer.text
    assert browser.get("/insights/volume?days=-7&bucket=x&from=&to=&channel=").status_code == 200
    assert browser.get("/insights/nothing").status_code == 404
    assert browser.get("/insights/nothing.csv").status_code == 404


def test_what_was_asked_for_comes_back_as_text(shop: House) -> None:
    for path in PAGES:
        answer = shop.log_in("lea").get(
            f"/insights{path}", params={"product": HOSTILE, "supplier": HOSTILE, "days": "7"}
        )
        assert "<script>alert" not in answer.text
        assert "<b>x" not in answer.text


def _figure(name: str, filters: Filters, now: datetime, connection: Any) -> Any:
    return getattr(insights, name)(Workspace(connection, "demo"), filters, now=now)


def test_a_file_holds_what_the_api_answers(shop: House) -> None:
    browser, now = shop.log_in("lea"), datetime.now(UTC)
    since = {"suppliers": _today() - timedelta(days=29)}
    for name in ("volume", "response", "drafts", "model", "repeats", "suppliers"):
        answer = browser.get(f"/insights/{name}.csv?channel=email")
        filters = Filters(since=since.get(name, _today() - timedelta(days=4)), until=_today(), channel="email")
        read = partial(_figure, name, filters, now)
        found = shop.database.read(read)
        assert answer.text.removeprefix("\ufeff") == csv_text(found)
        assert answer.headers["content-type"].startswith("text/csv")
        assert re.fullmatch(rf'attachment; filename="{name}-[-\d]+\.csv"', answer.headers["content-disposition"])
    one = browser.get("/insights/volume.csv?channel=email&table=intent").text.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(one)))
    assert [(row["value"], row["contacts"]) for row in rows] == [("delivery_late", "6"), ("track_order", "1")]
    assert set(rows[0]) == {"by", "value", "contacts", "share"}
    assert browser.get("/insights/volume.csv", params={"table": HOSTILE[:40]}).text.strip("\ufeff\r\n") == ""


def test_drafts_say_what_people_did_with_them(shop: House) -> None:
    text, _ = _shown(shop.log_in("lea"), "/insights/drafts")
    assert "4 of 6; likely between" in text
    assert "Waiting for a decision: 1. Overtaken by the customer: 0." in text
    for kind in ("accepted", "edited", "rejected"):
        assert f'fill="url(#fill-{kind})"' in text
    assert ">40%<" in text, "half of one edited draft's words: 0.4"


def test_suppliers_are_compared_only_where_there_is_enough(shop: House) -> None:
    text, page = _shown(shop.log_in("lea"), "/insights/suppliers")
    said = {name: re.search(rf">{name}</bdi>.*?class=\"standing (\w*)\">.*?([a-z][a-z ]+)</span>", text, re.S) for name in
            ("Ningbo", "Huta Warta", "Tiny", "Loom")}  # fmt: skip
    assert {name: found[2] for name, found in said.items() if found} == {
        "Ningbo": "more than the others", "Huta Warta": "fewer than the others", "Tiny": "too few orders to say",
        "Loom": "the only supplier",
    }  # fmt: skip
    assert "interval unsure" in text
    assert any("supplier=Ningbo" in link and "product=KT-210" in link for link in page.links)


def test_what_stands_out_shows_messages_of_those_who_are_still_there(shop: House) -> None:
    arrival = Arrival(
        external_id="m1", message=InboundMessage(text=f"Broken again {HOSTILE}", channel="chat", customer=Customer(name="Eve")),
        sender=Sender(handle="eve", email="eve@customers.example"),
    )  # fmt: skip
    conversation = receive(shop.database, "demo", arrival, now=datetime.now(UTC)).conversation_id
    message = shop.rows(schema.messages)[0]["id"]
    day = _today() - timedelta(days=1)
    history = [[(day - timedelta(days=back)).isoformat(), 1] for back in range(56, 0, -1)] + [[day.isoformat(), 19]]
    shop.database.write(
        lambda c: Workspace(c, "demo").insert(
            schema.anomalies, id=new_id("ano"), product="KT-210", intent="damaged_item", region="DE", supplier=None, cell="c",
            first_day=day, last_day=day, observed=19, expected=4.1, high=11, p_value=1e-7, adjusted=0.0003,
            examples=[message, "msg_gone"], history=history, created_at=datetime.now(UTC), changed_at=datetime.now(UTC),
        )
    )  # fmt: skip
    text, page = _shown(shop.log_in("lea"), "/insights/anomalies")
    assert "damaged item" in text
    assert "Germany" in text
    assert "customers wrote about it on" in text
    assert "4.1 were to be expected, and at most 11 on 99 of 100 such days." in text
    assert "very sure" in text
    assert "p = 0.0003" in text
    assert [link for link in page.links if link.startswith("/conversations/")] == [f"/conversations/{conversation}"]
    assert "<b>x" not in text
    assert "Broken again" in text
    assert "damaged item" in shop.log_in("lea").get("/insights").text
    other = shop.log_in("ann").get("/insights/anomalies?region=PL").text
    assert "damaged item</bdi>" not in other.split('<form class="filters"')[0]
    assert "Broken again" not in other


def test_orders_from_before_the_first_message_are_compared(shop: House) -> None:
    before = _today() - timedelta(days=20)
    _keep(shop, {}, {before: _orders(before, "GL-88", {"Early Glass": (3, 0)})})
    assert "Early Glass" in _shown(shop.log_in("lea"), "/insights/suppliers")[0]
    assert "Early Glass" in shop.log_in("lea").get("/insights/suppliers.csv").text


def test_no_figure_of_a_single_agent_is_shown(shop: House) -> None:
    for path in PAGES:
        text = unescape(
            re.sub(r"<header>.*?</header>", "", shop.log_in("lea").get(f"/insights{path}").text, flags=re.S)
        )
        assert not re.search(r"\b(ada|lea|ann)\b", text)


def test_a_stretch_that_is_not_over_is_dotted(shop: House) -> None:
    today = _today()
    _keep(shop, {today: [_contact(today, 0)], today - timedelta(days=1): [_contact(today - timedelta(days=1))]})
    running, _ = _shown(shop.log_in("lea"), "/insights/volume")
    assert "so-far" in running
    assert "not over yet" in running
    until = (today - timedelta(days=1)).isoformat()
    over, _ = _shown(shop.log_in("lea"), f"/insights/volume?from={(today - timedelta(days=6)).isoformat()}&to={until}")
    assert "so-far" not in over
    assert "not over yet" not in over


def test_hours_that_lie_ahead_are_not_drawn_as_nothing(shop: House) -> None:
    today = _today()
    _keep(shop, {today: [_contact(today, 0)]})
    text, _ = _shown(shop.log_in("lea"), f"/insights/volume?from={today.isoformat()}&to={today.isoformat()}")
    told = re.search(r"<desc[^>]*>Messages: highest 1 .*? last (\d)", text)
    assert told
    hours = datetime.now(UTC).hour + 1
    behind = re.search(r"The same as a table.*?</table>", text, re.S)
    assert behind
    assert hours - 1 <= behind[0].count('role="rowheader"') <= hours + 1
    assert "in the time before" not in text, "a day that is not over is not compared"


# Charts


def _times(many: int) -> Times:
    return Times(labels=[str(n) for n in range(many)], titles=[f"day {n}" for n in range(many)])


@given(
    st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=60),
    st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
def test_a_line_is_drawn_within_its_frame(
    values: list[float | None], mirrored: bool, running: bool, short: bool
) -> None:
    many = len(values)
    times = Times(labels=["d"] * many, titles=["t"] * many, running=running, short=short)
    ticks = scales.counts(max((value for value in values if value is not None), default=0.0))
    svg = Drawing(mirrored=mirrored).lines(
        [Line(name="n", values=values)], times, ticks, title="t", says="s", write=lambda value: f"{value:.0f}"
    )
    for x, y in re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", svg):
        assert 0 <= float(x) <= 1000
        assert 0 <= float(y) <= 200
    assert "nan" not in svg
    assert "inf" not in svg


def test_a_page_from_right_to_left_is_a_mirror_image() -> None:
    drawn = [Drawing(mirrored=mirrored) for mirrored in (False, True)]
    bars = [re.findall(r'class="bar" x="([\d.]+)%" width="([\d.]+)%"', draw.bar(0.25)) for draw in drawn]
    assert bars == [[("0.00", "25.00")], [("75.00", "25.00")]]
    stacks = [re.findall(r'x="([\d.]+)%"', draw.stack([("accepted", 0.75), ("rejected", 0.25)])) for draw in drawn]
    assert stacks == [["0.00", "75.00"], ["25.00", "0.00"]]
    lines = [
        draw.lines([Line(name="n", values=[1.0, 3.0])], _times(2), (0.0, 3.0), title="t", says="s", write=str)
        for draw in drawn
    ]
    assert "M250.0" in lines[0]
    assert "M750.0" in lines[1]
    intervals = [re.findall(r'cx="([\d.]+)%"', draw.interval(0.1, 0.2, 0.3, ends=(0.0, 1.0))) for draw in drawn]
    assert intervals == [["20.00"], ["80.00"]]


def test_names_in_a_chart_are_text() -> None:
    draw = Drawing()
    svg = draw.lines(
        [Line(name=HOSTILE, values=[1.0, 2.0])],
        _times(2),
        (0.0, 2.0),
        title=HOSTILE,
        says=HOSTILE,
        write=lambda v: HOSTILE,
    )
    heat = draw.heat([[0, 1]], [[HOSTILE, HOSTILE]], title=HOSTILE, says=HOSTILE)
    assert "<script" not in svg + heat
    assert "<b>" not in svg + heat


def test_a_gap_in_a_line_stays_a_gap() -> None:
    line = Line(name="n", values=[1.0, 2.0, None, 3.0, None, 2.0, 1.0])
    svg = Drawing().lines([line], _times(7), (0.0, 3.0), title="t", says="s", write=str)
    assert len(re.findall(r'class="line first"', svg)) == 2
    assert 'class="point first"' in svg, "a value between two gaps is a dot"


@given(st.floats(0, 1e12))
def test_axes_end_above_the_highest_value_in_few_steps(highest: float) -> None:
    for ticks in (scales.counts(highest), scales.spans(min(highest, 6e8))):
        assert ticks[0] == 0
        assert ticks[-1] >= min(highest, 6e8) * (1 - 1e-9)
        assert 2 <= len(ticks) <= scales.MOST_STEPS + 2
        assert list(ticks) == sorted(set(ticks))
    assert all(tick == int(tick) for tick in scales.counts(highest))


# What is asked for


def test_a_time_that_is_a_preset_is_named_by_it() -> None:
    today = date(2026, 11, 23)
    month = asked({"from": "2026-10-25", "to": "2026-11-23"}, today=today, first=date(2020, 1, 1))
    assert (month.days, month.address("volume")) == (30, "/insights/volume")
    other = asked({"from": "2026-10-25", "to": "2026-11-22"}, today=today, first=None)
    assert other.address("drafts", ending=".csv") == "/insights/drafts.csv?from=2026-10-25&to=2026-11-22"
    assert other.within("drafts", 7) == "/insights/drafts?days=7"
    young = asked({"days": "365"}, today=today, first=date(2026, 11, 20))
    assert (young.filters.since, young.days, young.comparable) == (date(2026, 11, 20), 365, False)
    assert asked({"days": "365"}, today=today, first=date(2020, 1, 1)).comparable


@given(st.dictionaries(st.sampled_from(["from", "to", "days", "channel", "product", "intent"]), st.text(max_size=30)))
def test_no_query_breaks_a_page(query: dict[str, str]) -> None:
    found = asked(query, today=date(2026, 11, 23), first=None)
    again = asked(dict(parse_qsl(urlsplit(found.address("volume")).query)), today=date(2026, 11, 23), first=None)
    assert again.filters == found.filters


def test_a_supplier_with_few_orders_does_not_press_the_others_together() -> None:
    def row(name: str, high: float, standing: Standing) -> SupplierRow:
        return SupplierRow(product="p", supplier=name, orders=100, contacted=1, contacts=1, per_100=high / 2, low=1.0, high=high,
                           share=share(1, 100), others=share(1, 100), p_value=None, adjusted=None, standing=standing)  # fmt: skip

    found = Suppliers(rows=(row("a", 20.0, Standing.NO_DIFFERENCE), row("b", 300.0, Standing.TOO_FEW)), products=1, listed=1,
                      compared=1, least_orders=50)  # fmt: skip
    choices = Choices(values={}, titles={}, first_day=None, zone="UTC", waiting=0)
    to = Writing(asked({}, today=_today(), first=None), choices, wording("en"), now=datetime.now(UTC))
    assert products(found, to)[0].top == "21.0"
    assert products(found, to)[0].rows[1].kind == "unsure"
