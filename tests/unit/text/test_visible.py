"""What a person sees, and the way back to the raw text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.text import MAX_CHARACTERS, visible_text
from triage.text.markup import MAX_DEPTH, MAX_HTML_BYTES

ANY_CHARACTER = st.characters(exclude_categories=())
ODD = st.sampled_from(
    [
        "\u200b",
        "\u200d",
        "\ufe0f",
        "\u20e3",
        "\xad",
        "\u202e",
        "\ufeff",
        "\U000e0041",
        "\ud800",
        "\udc00",
        "\xa0",
        "\u3000",
        "\r\n",
        "\r",
        "\n",
        "\u2028",
        "\x00",
        "\t",
        " ",
        "\U0001f469",
        "\u2764",
        "1",
        "a",
        "\u0645\u06cc",
    ]
)
MARKUP = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<br>",
        "<div>",
        "</div>",
        "<div style='display:none'>",
        "<blockquote>",
        "</blockquote>",
        "<!--",
        "-->",
        "<pre>",
        "</pre>",
        "<li>",
        "<td>",
        "<script>",
        "</script>",
        '<a href="',
        '"',
        ">",
        "<",
        "&amp;",
        "&nbsp;",
        "&#8203;",
        " ",
        "\n",
        "word",
        "\u017c\u00f3\u0142\u0107",
    ]
)
WITHOUT_MARKUP = st.lists(st.one_of(ODD, st.characters(exclude_categories=(), exclude_characters="<&"))).map("".join)


@pytest.mark.parametrize(
    "raw",
    [
        "I <3 it",
        "a < b and c > d",
        "size <order 5> please",
        "write to <anna@example.com>",
        "R&D at AT&T",
        "plain",
        "",
        "-> here",
    ],
)
def test_plain_text_stays_as_it_is(raw: str) -> None:
    assert visible_text(raw).text == raw


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<p>Hello &amp; welcome</p><p>one<br>two</p>", "Hello & welcome\n\none\ntwo"),
        ("<div>Hi</div><div><br></div><div>there</div>", "Hi\n\nthere"),
        ("<html><head><title>t</title><style>p{}</style></head><body>seen<script>x<1</script></body></html>", "seen"),
        ("<div>a<!-- <p>no</p> -->b</div>", "ab"),
        (
            "<p>new</p><blockquote>old<br>older<blockquote>oldest</blockquote></blockquote>",
            "new\n\n> old\n> older\n\n> > oldest",
        ),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<table><tr><td>Order</td><td>5</td></tr></table>", "Order 5"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("<p>  many \n spaces </p>", "many spaces"),
        ("<p>x <order 5> &lt;b&gt; <3</p>", "x <order 5> <b> <3"),
        ("line one\n<b>line</b> two\n> quoted", "line one\nline two\n> quoted"),
        ('<p title="a > b">seen</p>', "seen"),
        ('<p title=5">seen "all"</p>', 'seen "all"'),
        ("<P CLASS=MsoNormal>a<o:p></o:p></P>", "a"),
    ],
)
def test_html_mail_becomes_text(raw: str, text: str) -> None:
    assert visible_text(raw).text == text


@pytest.mark.parametrize(
    "hidden",
    [
        '<div style="display: none">no</div>',
        '<div style="display:none"><div>no</div>no</div>',
        '<span style="DISPLAY:NONE !important">no</span>',
        "<p hidden>no</p>",
        "<div style='max-height:0;overflow:hidden'>no</div>",
        '<span style="font-size:0">no</span>',
        '<span style="opacity:0">no</span>',
        "<template>no</template>",
        "<svg><text>no</text></svg>",
    ],
)
def test_hidden_elements_are_dropped(hidden: str) -> None:
    assert visible_text(f"<div>yes</div>{hidden}<div>too</div>").text == "yes\ntoo"


def test_a_size_given_again_inside_a_wrapper_of_size_zero_is_seen() -> None:
    assert visible_text('<td style="font-size:0px"><div style="font-size:14px">yes</div></td><br>').text == "yes"


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("a\u200bb\u202ec\xadd\ufeffe\x00f\U000e0041g", "abcdefg"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645"),
        (
            "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f468 1\ufe0f\u20e3",
            "\U0001f469\u200d\u2764\ufe0f\u200d\U0001f468 1\ufe0f\u20e3",
        ),
        ("a\u200db \ufe0fc", "ab c"),
        ("\ud83d x \udc00", "\ufffd x \ufffd"),
        ("1\xa0000\u202f\u20ac\u3000x", "1 000 \u20ac x"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("a\n\n \n\t\n\nb", "a\n\nb"),
        ("\n\n  a  \n", "a"),
        ("it&#39;s &quot;fine&quot; &eacute;", 'it\'s "fine" \u00e9'),
        ("&#0;&#1114112;&#9999999;&#99999999999;&unknown;", "\ufffd\ufffd\ufffd&#99999999999;&unknown;"),
    ],
)
def test_characters_are_unified(raw: str, text: str) -> None:
    assert visible_text(raw).text == text


@pytest.mark.parametrize(
    ("raw", "found", "span"),
    [
        ("<p>Order <b>402-1</b>, please</p>", "402-1", "402-1"),
        ("x &amp; <i>y</i> z<br>", "& y z", "&amp; <i>y</i> z"),
        ("\ufefforder 4\u200b02", "402", "4\u200b02"),
        ("a\r\n\r\n\r\nb 5", "5", "5"),
        ("  <3 plain 77 ", "77", "77"),
        ("\u0142\U0001f600 77", "77", "77"),
    ],
)
def test_a_span_maps_back_exactly(raw: str, found: str, span: str) -> None:
    mapped = visible_text(raw)
    at = mapped.text.index(found)
    start, end = mapped.span(at, at + len(found))
    assert raw[start:end] == span


def test_a_span_outside_the_text_is_clipped() -> None:
    mapped = visible_text("abc")
    assert mapped.span(-5, 99) == (0, 3)
    assert mapped.span(3, 3) == (3, 3)
    assert visible_text("").span(0, 5) == (0, 0)


def test_long_text_is_cut_and_says_so() -> None:
    mapped = visible_text("word " * MAX_CHARACTERS)
    assert mapped.truncated
    assert len(mapped.text) <= MAX_CHARACTERS
    assert len(mapped.offsets) == len(mapped.text) + 1
    assert not visible_text("w" * MAX_CHARACTERS).truncated


def test_a_cut_leaves_no_joiner_behind() -> None:
    mapped = visible_text("a" * (MAX_CHARACTERS - 2) + "\U0001f469\u200d\U0001f469")
    assert mapped.text.endswith("a\U0001f469")
    assert visible_text(mapped.text).text == mapped.text


def test_too_deep_or_too_long_html_is_reduced_to_text_alone() -> None:
    deep = "<div>" * (MAX_DEPTH + 1) + "<p style='display:none'>a</p>b"
    assert visible_text(deep).text == "a\n\nb"
    long = "<p hidden>a</p>" + "<br>" * (MAX_HTML_BYTES // 4) + "b"
    assert visible_text(long).text == "a\n\nb"
    assert visible_text("<div>" * 100_000 + "hi" + "</div>" * 100_000).text == "hi"


@pytest.mark.parametrize(
    "piece",
    [
        "<",
        "<!--",
        "<a ",
        '<a href="',
        "<p style='",
        "<title>",
        "<noscript>",
        "</title ",
        "&",
        "&#",
        "\u200d",
        "\n ",
        "<![CDATA[",
    ],
)
def test_hostile_repetition_comes_back(piece: str) -> None:
    mapped = visible_text("<br>" + piece * 20_000)
    assert len(mapped.offsets) == len(mapped.text) + 1


def check_offsets(raw: str) -> None:
    mapped = visible_text(raw)
    assert len(mapped.offsets) == len(mapped.text) + 1
    assert len(mapped.ends) == len(mapped.text)
    assert list(mapped.offsets) == sorted(mapped.offsets)
    assert all(0 <= offset <= len(raw) for offset in mapped.offsets)
    for character, start, end in zip(mapped.text, mapped.offsets, mapped.ends, strict=False):
        source = raw[start:end]
        changed = character in " \n>-\ufffd" or source.startswith("&")
        assert source == character or changed


@given(st.lists(st.one_of(ODD, ANY_CHARACTER)).map("".join))
def test_offsets_are_exact_in_any_text(raw: str) -> None:
    check_offsets(raw)


@given(st.lists(st.one_of(MARKUP, ODD)).map("".join))
def test_offsets_are_exact_in_any_markup(raw: str) -> None:
    check_offsets("<br>" + raw)


@given(WITHOUT_MARKUP)
def test_visible_text_is_seen_as_it_is(raw: str) -> None:
    text = visible_text(raw).text
    again = visible_text(text)
    assert again.text == text
    assert list(again.offsets) == list(range(len(text) + 1))


@given(st.lists(st.one_of(MARKUP, ODD, ANY_CHARACTER)).map("".join))
def test_visible_text_can_always_be_stored(raw: str) -> None:
    text = visible_text(raw).text
    text.encode("utf-8")
    assert "\x00" not in text
    assert json.loads(json.dumps(text)) == text
