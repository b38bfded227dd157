from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.knowledge_base.importing.markup import MAX_HTML_BYTES, html_to_markdown, looks_like_html, read_page

PAGE = """<!doctype html><html lang="pt-br"><head><title>Devolu&ccedil;&otilde;es | Ajuda</title><style>p{}</style></head>
<body><nav>In&iacute;cio</nav><header><a href="/">Loja</a></header>
<main><h1><span>Devoluções</span></h1>
<p>Você tem <strong>30&nbsp;dias</strong>.<br>Veja <a href="https://x.example/a(b)">a página</a> ou <a href="#top">isto</a>.</p>
<h2><button>Como?</button></h2><ol start="3"><li>Um<ul><li>a</li><li><p>b</p><p>c</p></li></ul></li><li>Dois</ol>
<table><tr><th>A</th><th>B</th></tr><tr><td><p>1</p></td><td><p>2</p></td></tr></table>
<p>5<!-- -->€</main><footer>Rodapé</footer></body></html>"""


def test_a_page_becomes_markdown_with_its_title_and_language() -> None:
    page = read_page(PAGE)
    assert (page.title, page.heading, page.language) == ("Devoluções | Ajuda", "Devoluções", "pt-br")
    assert page.markdown == (
        "# Devoluções\n\nVocê tem 30 dias.\nVeja [a página](https://x.example/a%28b%29) ou isto.\n\n## Como?\n\n"
        "3. Um\n   - a\n   - b\n      c\n4. Dois\n\nA | B\n1 | 2\n\n5€"
    )


@pytest.mark.parametrize(
    "unseen",
    [
        "<script>steal()</script>",
        "<SCRIPT src=x>a</script >",
        "<style>p{}</style>",
        "<iframe src='https://evil.example'>a frame</iframe>",
        "<p hidden>secret</p>",
        "<div style='display: none'><p>secret</p></div>",
        '<span style="font-size:0">secret</span>',
        "<i aria-hidden=true>secret</i>",
        "<template><p>secret</p></template>",
        "<!-- secret <p> -->",
        "<svg><text>secret</text></svg>",
        "<noscript>secret</noscript>",
        "<button>Copy</button>",
    ],
)
def test_what_cannot_be_seen_goes(unseen: str) -> None:
    assert html_to_markdown(f"<p>before</p>{unseen}<p>after</p>") == "before\n\nafter"


def test_a_script_that_is_never_closed_is_never_text() -> None:
    assert html_to_markdown("<p>before</p><script>steal(") == "before"


def test_links_keep_only_targets_that_a_customer_can_open() -> None:
    html = '<a href="javascript:alert(1)">one</a> <a href="/hc/2">two</a> <a href="https://x.example">https://x.example</a>'
    assert html_to_markdown(html) == "one two https://x.example"


def test_a_page_beyond_the_limit_is_read_without_its_structure() -> None:
    html = "<h1>Title</h1><script>x</script>" + "<p>word &amp; word</p>" * (MAX_HTML_BYTES // 20)
    assert html_to_markdown(html).startswith("Title\n\nword & word\n\nword & word")


@pytest.mark.parametrize("html", ["a < b & c", "I <3 it", "<order number>", "x <a y", ""])
def test_plain_text_is_not_taken_for_html(html: str) -> None:
    assert not looks_like_html(html)
    assert html_to_markdown(html.replace("<order number>", "")).split() == html.replace("<order number>", "").split()


def test_a_character_reference_of_thousands_of_digits_is_no_error() -> None:
    assert html_to_markdown("<p>a &#" + "9" * 5000 + "; b</p>") == "a \ufffd b"


PIECES = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<ul>",
        "<li>",
        "</ul>",
        "<ol>",
        "<table>",
        "<tr>",
        "<td>",
        "</td>",
        "</table>",
        "<a href='https://x.y'>",
        "</a>",
        "<h1>",
        "</h1>",
        "<main>",
        "</main>",
        "<pre>",
        "</pre>",
        "<!--",
        "-->",
        "<script>",
        "<title>",
        "<br>",
        "<![CDATA[",
        "text",
        " ",
        "\n",
        "&amp;",
        "&#x",
        "<",
        ">",
        '"',
        "<div hidden>",
        "</div>",
        "<p x='",
        "<?",
        "\0",
        "\ud800",
    ]
)


@given(st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=300)))
def test_no_html_raises_and_no_script_comes_out(html: str) -> None:
    read_page(html)
    assert "alert" not in html_to_markdown(html + "--></script></title><script>alert(1)</script>")
