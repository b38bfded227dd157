"""Each figure as the numbers and sections of its page."""

from __future__ import annotations

from api.inbox.i18n import N_, Sentence
from api.inbox.insights import says
from api.inbox.insights.rows import ACCEPTED, dots, is_narrowed, section_of, stacks
from api.inbox.insights.sections import NOT_YET, NOTHING_HERE, Number, Row, Section, Table, Writing
from triage.insights.intervals import share
from triage.insights.types import (
    Attainment,
    Backlog,
    DraftCounts,
    Drafts,
    Model,
    Repeats,
    Response,
    Share,
    Volume,
)

LEAST_COMPARED = 7
"""Days; in a shorter time, one that is not over yet would weigh too much against a whole one."""
Parts = tuple[list[Number], list[Section]]


def volume(found: Volume, to: Writing) -> Parts:
    """How many, when, and about what."""
    numbers = [
        Number(label=N_("Messages"), value=to.count(found.contacts), says=says.CONTACTS, note=change(found, to)),
        Number(label=N_("New conversations"), value=to.count(found.conversations), says=says.CONVERSATIONS),
        no_reply(found.deflection, to),
    ]
    if found.unread:
        numbers.append(Number(label=N_("Not read yet"), value=to.count(found.unread), says=says.UNREAD))
    if not found.contacts:
        return numbers, []
    sections = [
        over_days(found, to),
        *(by_count(found, name, to) for name in ("intent", "channel", "product", "supplier", "language", "region", "urgency")
          if name not in to.asked.filters.narrowed),
        week(found, to),
    ]  # fmt: skip
    return numbers, sections


def over_days(found: Volume, to: Writing) -> Section:
    """Contacts over time."""
    return to.over_time(N_("Messages over time"), says.CONTACTS, [(N_("Messages"), found.series)])


def by_count(found: Volume, name: str, to: Writing, *, most: int | None = None) -> Section:
    """The most frequent values of a dimension as bars, each as long as its part of the most frequent one."""
    counts = found.by.get(name, ())
    largest = max((count.contacts for count in counts), default=0)
    rows = [
        Row(
            label=to.label(name, count.value, count.title), cells=(to.count(count.contacts), to.percent(count.share)),
            drawn=to.draw.bar(count.contacts / largest), href=to.asked.address("volume", **{name: count.value}),
            queue=to.asked.queue(name, count.value),
        )
        for count in counts[:most]
    ]  # fmt: skip
    others = found.others.get(name, 0)
    if others and most is None:
        cells = (to.count(others), to.percent(others / found.contacts))
        rows.append(Row(label=to.say.sentence(N_("all others")), cells=cells))
    empty = N_("No message of these days is about an order that is known here.")
    return section_of(
        says.BY[name], says.SHARES, name, rows, (N_("Messages"), N_("Share")),
        empty=empty if name in ("product", "supplier") else NOTHING_HERE,
    )  # fmt: skip


def week(found: Volume, to: Writing) -> Section:
    """Contacts by weekday and hour."""
    title, days = N_("Through the week"), to.weekdays()
    hour = N_("%(day)s %(hour)s: %(count)s")
    titles = [
        [to.say.sentence(hour, day=days[day], hour=f"{at:02}:00", count=value) for at, value in enumerate(row)]
        for day, row in enumerate(found.week)
    ]
    day, at = max(((day, at) for day in range(7) for at in range(24)), key=lambda cell: found.week[cell[0]][cell[1]])
    busiest = Sentence(
        N_("Most messages come on %(day)s at %(hour)s: %(count)s."),
        day=days[day],
        hour=f"{at:02}:00",
        count=found.week[day][at],
    )
    chart = to.draw.heat(found.week, titles, title=to.say.sentence(title), says=to.say.sentence(busiest))
    rows = [Row(label=days[day], cells=[to.count(value) for value in row]) for day, row in enumerate(found.week)]
    table = Table(
        name="week", caption=title, first=N_("Weekday"), head=[f"{at:02}" for at in range(24)], rows=rows
    )  # fmt: skip
    return Section(title=title, says=says.WEEK, chart=chart, note=busiest, table=table)


def response(found: Response, to: Writing) -> Parts:
    """How soon."""
    span, due = found.span, found.attainment
    answered = Sentence(N_("%(count)s answered, %(open)s not yet"), count=span.answered, open=span.unanswered)
    numbers = [
        first_reply(found, to, note=answered),
        Number(label=N_("Nine of ten within"), value=to.span(span.p90), says=says.P90),
    ]
    if span.working_median is not None:
        numbers.append(Number(label=N_("In working hours"), value=to.span(span.working_median), says=says.WORKING))
    numbers += [
        on_time(due, to),
        Number(
            label=N_("Late, still open"),
            value=to.count(due.open_late),
            says=says.OPEN_LATE,
            href="/?status=open&due=late",
        ),
    ]
    sections = [
        to.over_time(
            N_("First reply over time"),
            says.MEDIAN_TIME,
            [(N_("First reply"), found.series)],
            unit="span",
            empty=says.NO_ANSWER,
        ),
        to.over_time(
            N_("Answered in time"), says.ON_TIME, [(N_("in time"), found.attained)], unit="share", empty=says.NO_DUE
        ),
    ]
    head = (N_("In time"), N_("First reply"), N_("Nine of ten within"), N_("Answered"), N_("Late"))
    for name, rows in found.by.items():
        sections.append(dots(
            name, rows, to, title=says.BY[name], says_=says.ON_TIME, section="response", head=head, drawn=N_("In time"),
            share_of=lambda row: row.attainment.share,
            cells=lambda row: (
                to.percent(row.attainment.share.value), to.span(row.span.median), to.span(row.span.p90),
                to.count(row.span.answered), to.count(row.attainment.late + row.attainment.open_late),
            ),
        ))  # fmt: skip
    return numbers, [section for section in sections if not is_narrowed(section, to)]


def first_reply(found: Response, to: Writing, *, note: str | Sentence = "") -> Number:
    """The median."""
    note = note if found.span.answered else says.NO_ANSWER
    return Number(label=N_("First reply"), value=to.span(found.span.median), says=says.MEDIAN, note=note)


def on_time(due: Attainment, to: Writing) -> Number:
    """Attainment."""
    return part(N_("Answered in time"), says.ON_TIME, due.share, to, empty=says.NO_DUE)


def backlog(found: Backlog, to: Writing) -> Parts:
    """Who waits."""
    numbers = [
        waiting(found, to),
        Number(label=N_("Past due"), value=to.count(found.overdue), says=says.OVERDUE, href="/?status=open&due=late"),
        Number(label=N_("Longest wait"), value=to.span(found.oldest), says=says.OLDEST),
    ]
    named = [(N_("waiting"), found.series), (N_("past due"), found.late)]
    empty = N_("Nobody waited at the end of any of these days.")
    return numbers, [to.over_time(N_("Waiting over time"), says.WAITING, named, unit="level", empty=empty)]


def waiting(found: Backlog, to: Writing) -> Number:
    """How many wait now, or waited when the time was over."""
    if to.asked.is_running:
        note = Sentence(N_("%(count)s of them past due"), count=found.overdue) if found.waiting else N_("Nobody waits.")
        return Number(
            label=N_("Waiting now"),
            value=to.count(found.waiting),
            says=says.WAITING_NOW,
            note=note,
            href="/?status=open",
        )
    note = Sentence(N_("at the end of %(day)s"), day=to.say.day(to.asked.filters.until))
    return Number(label=N_("Waiting"), value=to.count(found.waiting), says=says.WAITING_NOW, note=note)


def drafts(found: Drafts, to: Writing) -> Parts:
    """What people did with drafts."""
    counts = found.counts
    undecided = Sentence(
        N_("Waiting for a decision: %(pending)s. Overtaken by the customer: %(superseded)s."), pending=counts.pending,
        superseded=counts.superseded,
    )  # fmt: skip
    numbers = [
        Number(label=N_("Drafts"), value=to.count(counts.drafts), says=says.DRAFTS, note=undecided),
        as_written(counts, to),
    ]
    decided = counts.accepted_share.of
    numbers += [
        part(N_("Sent with changes"), says.EDITED, share(counts.edited, decided), to),
        part(N_("Rejected"), says.REJECTED, share(counts.rejected, decided), to),
    ]
    numbers.append(
        Number(label=N_("Rewritten, where edited"), value=to.percent(counts.edited_distance), says=says.DISTANCE)
    )
    if not decided:
        return numbers, [
            Section(title=N_("What became of drafts"), says=says.DECIDED, empty=says.NO_DECISION, wide=True)
        ]
    sections = [
        to.over_time(
            N_("Sent as written, over time"),
            says.AS_IS,
            [(ACCEPTED, found.series)],
            unit="share",
            empty=says.NO_DECISION,
        ),
        *(stacks(name, rows, to) for name, rows in found.by.items() if name not in to.asked.filters.narrowed),
    ]
    return numbers, sections


def as_written(counts: DraftCounts, to: Writing) -> Number:
    """The share of drafts that were good as they were."""
    return part(N_("Sent as written"), says.AS_IS, counts.accepted_share, to, empty=says.NO_DECISION)


def model(found: Model, to: Writing) -> Parts:
    """Coverage and agreement."""
    counts = found.counts
    read = counts.coverage.of
    numbers = [
        part(N_("Named an intent"), says.COVERAGE, counts.coverage, to),
        part(N_("Left to people"), says.ABSTAINED, share(read - counts.coverage.count, read), to),
        part(N_("People agreed"), says.AGREEMENT, counts.precision, to, empty=says.NO_JUDGEMENT),
        part(N_("Stood, where labelled"), says.LABELLED, counts.corrected, to, empty=says.NO_JUDGEMENT),
        part(N_("Got a draft"), says.WITH_DRAFT, counts.with_draft, to),
        part(N_("Draft cites an article"), says.WITH_ARTICLE, counts.with_article, to),
        no_reply(share(read - counts.with_draft.of, read), to),
    ]
    if not read:
        return numbers, []
    head = (N_("Agreed"), N_("Judged"), N_("Named"), N_("Read"))
    sections = [
        to.over_time(
            N_("Agreement over time"),
            says.AGREEMENT,
            [(N_("agreed"), found.series)],
            unit="share",
            empty=says.NO_JUDGEMENT,
        )
    ]
    for name, rows in found.by.items():
        sections.append(dots(
            name, rows, to, title=says.BY[name], says_=says.AGREEMENT, section="model", head=head, drawn=N_("Agreed"),
            share_of=lambda row: row.counts.precision,
            cells=lambda row: (
                to.percent(row.counts.precision.value), to.count(row.counts.precision.of),
                to.percent(row.counts.coverage.value), to.count(row.counts.read),
            ),
        ))  # fmt: skip
    return numbers, [section for section in sections if not is_narrowed(section, to)]


def no_reply(found: Share, to: Writing) -> Number:
    """Deflection."""
    return part(N_("No reply needed"), says.NO_REPLY, found, to)


def repeats(found: Repeats, to: Writing) -> Parts:
    """Who had to write again."""
    counts = found.counts
    numbers = [
        part(N_("Had to write again"), says.CUSTOMERS, counts.customers, to),
        part(N_("Asked before"), says.ASKED_BEFORE, counts.asked_before, to),
        part(N_("Chasing an answer"), says.CHASING, counts.chasing, to),
    ]
    if not counts.asked_before.of:
        return numbers, []
    empty = N_("Nobody had to write again in these days.")
    sections = [to.over_time(N_("Written again, over time"), says.AGAIN, [(N_("Messages"), found.series)], empty=empty)]
    head = (N_("Customers"), N_("Asked before"), N_("Chasing"), N_("Messages"))
    for name, rows in found.by.items():
        sections.append(dots(
            name, rows, to, title=says.BY[name], says_=says.CUSTOMERS, section="repeats", head=head, drawn=N_("Customers"),
            share_of=lambda row: row.counts.customers,
            cells=lambda row: (
                to.percent(row.counts.customers.value), to.percent(row.counts.asked_before.value),
                to.percent(row.counts.chasing.value), to.count(row.counts.chasing.of),
            ),
        ))  # fmt: skip
    return numbers, [section for section in sections if not is_narrowed(section, to)]


def part(label: str, says_: str, found: Share, to: Writing, *, empty: str = NOT_YET) -> Number:
    """A share with what it is of, and what it may as well be; ``empty`` where it is of nothing."""
    return Number(label=label, value=to.percent(found.value), says=says_, note=to.of(found) if found.of else empty)


def change(found: Volume, to: Writing) -> str | Sentence:
    """Against the time before."""
    young = to.asked.is_running and to.asked.filters.days < LEAST_COMPARED
    if not to.asked.comparable or not found.before or young:
        return ""
    part = found.contacts / found.before - 1
    text = (
        N_("%(change)s more than in the time before") if part >= 0 else N_("%(change)s fewer than in the time before")
    )
    if abs(part) < 0.005:
        return N_("as many as in the time before")
    return Sentence(text, change=to.percent(abs(part)))
