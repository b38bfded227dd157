"""MIME in every shape: which part is the mail's words, which are files."""

from __future__ import annotations

import base64

import pytest

from tests.unit.channels.email.conftest import Parse
from triage.channels.email.content import LARGEST_FILE, MOST_TEXT, unflow
from triage.channels.email.markup import html_text


def multipart(kind: str, *parts: str, boundary: str = "=_b") -> str:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\npreamble\r\n{body}--{boundary}--\r\nepilogue'


def mail(parse: Parse, entity: str):  # type: ignore[no-untyped-def]
    head, _, body = entity.partition("\r\n\r\n")
    return parse(f"Subject: x\r\n{head}", body)


PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\nplain words\r\n"
HTML = "Content-Type: text/html; charset=utf-8\r\n\r\n<p>html <b>words</b></p>\r\n"
PDF = (
    "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=invoice.pdf\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"%PDF-1.7").decode() + "\r\n"
)
IMAGE = "Content-Type: image/png\r\nContent-ID: <logo>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n"


def test_of_alternatives_the_plain_text_is_read_and_the_html_is_kept(parse: Parse) -> None:
    arrival = mail(parse, multipart("alternative", PLAIN, HTML))
    assert arrival.message.text == "plain words"
    assert arrival.html is not None
    assert "<b>words</b>" in arrival.html
    assert arrival.attachments == ()


def test_html_alone_or_beside_an_empty_text_is_read_as_text(parse: Parse) -> None:
    blank = "Content-Type: text/plain\r\n\r\n \r\n"
    for entity in (HTML, multipart("alternative", blank, HTML)):
        assert mail(parse, entity).message.text == "html words"


def test_files_of_every_alternative_are_kept(parse: Parse) -> None:
    related = multipart("related", HTML, IMAGE, boundary="r")
    mixed = multipart("mixed", related, PDF, boundary="m")
    arrival = mail(parse, multipart("alternative", PLAIN, mixed))
    assert arrival.message.text == "plain words"
    assert [(file.name, file.media_type, file.content) for file in arrival.attachments] == [
        ("attachment-1.png", "image/png", b"\x89PNG"), ("invoice.pdf", "application/pdf", b"%PDF-1.7"),
    ]  # fmt: skip


def test_words_around_a_picture_are_all_read(parse: Parse) -> None:
    after = "Content-Type: text/plain\r\n\r\nand then\r\n"
    assert mail(parse, multipart("mixed", PLAIN, IMAGE, after)).message.text == "plain words\n\nand then"


def test_a_forwarded_mail_is_a_file_with_its_subject_as_name(parse: Parse) -> None:
    inner = (
        "Content-Type: message/rfc822\r\n\r\nFrom: b@c.example\r\nSubject: Old/../one\r\n\r\nsecret <b>words</b>\r\n"
    )
    arrival = mail(parse, multipart("mixed", PLAIN, inner))
    assert arrival.message.text == "plain words"
    (file,) = arrival.attachments
    assert file.media_type == "message/rfc822"
    assert file.content.startswith(b"From: b@c.example")
    assert "/" not in file.name
    assert file.name.endswith(".eml")


def test_a_text_file_is_a_file_unless_there_are_no_other_words(parse: Parse) -> None:
    named = "Content-Type: text/plain; name=log.txt\r\n\r\nline of a log\r\n"
    beside = mail(parse, multipart("mixed", PLAIN, named))
    assert (beside.message.text, [file.name for file in beside.attachments]) == ("plain words", ["log.txt"])
    alone = mail(parse, named)
    assert (alone.message.text, [file.name for file in alone.attachments]) == ("line of a log", ["log.txt"])


def test_an_invitation_and_a_signature_are_files(parse: Parse) -> None:
    invitation = "Content-Type: text/calendar\r\n\r\nBEGIN:VCALENDAR\r\n"
    signature = "Content-Type: application/pgp-signature; name=signature.asc\r\n\r\n-----BEGIN\r\n"
    arrival = mail(parse, multipart("signed", multipart("alternative", PLAIN, invitation, boundary="a"), signature))
    assert arrival.message.text == "plain words"
    assert [file.name for file in arrival.attachments] == ["attachment-1.ics", "signature.asc"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"), (r"C:\\Users\\me\\photo.jpg", "photo.jpg"), ("a\u202egpj.exe", "a gpj.exe"),
        ("x" * 300 + ".pdf", "x" * 180 + ".pdf"), ("..", "attachment-1.pdf"), ("=?utf-8?B?w7wucGRm?=", "ü.pdf"),
    ],
)  # fmt: skip
def test_a_file_name_is_no_path_and_shows_as_what_it_is(parse: Parse, name: str, kept: str) -> None:
    entity = f'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="{name}"\r\n\r\nx'
    assert mail(parse, multipart("mixed", PLAIN, entity)).attachments[0].name == kept


def test_more_files_than_are_kept_are_named(parse: Parse) -> None:
    files = [PDF.replace("invoice", f"invoice-{number}") for number in range(23)]
    arrival = mail(parse, multipart("mixed", PLAIN, *files))
    assert len(arrival.attachments) == 21
    assert b"invoice-22.pdf (application/pdf, 8 bytes)" in arrival.attachments[-1].content


def test_a_file_beyond_the_limit_is_named(parse: Parse) -> None:
    big = PDF.partition("\r\n\r\n")[0].replace("base64", "binary") + "\r\n\r\n" + "x" * (LARGEST_FILE + 1) + "\r\n"
    (note,) = mail(parse, multipart("mixed", PLAIN, big)).attachments
    assert note.name == "not-kept.txt"
    assert b"invoice.pdf" in note.content


@pytest.mark.parametrize(
    ("charset", "data", "text"),
    [
        ("iso-8859-2", "Zażółć".encode("iso-8859-2"), "Zażółć"),
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
        ("windows-1256", "مرحبا".encode("cp1256"), "مرحبا"),
        ("iso-8859-1", b"20 \x80", "20 €"),
        ("iso-8859-1", "schön".encode(), "schön"),
        ("us-ascii", "schön".encode(), "schön"),
        ("utf-8", "schön".encode("latin-1"), "schön"),
        ("utf-8", "schön ".encode() + "früh".encode("latin-1"), "schön früh"),
        ("x-unknown", "schön".encode(), "schön"),
        ("punycode", "schön".encode(), "schön"),
        ("zlib", b"words", "words"),
        ("gb2312", "中文".encode("gb18030"), "中文"),
        ("shift_jis", "①日本".encode("cp932"), "①日本"),
        ("utf-16", "schön".encode("utf-16"), "schön"),
        ("utf-8", b"\xef\xbb\xbfwords\x00\x07", "words"),
    ],
)
def test_charsets_wrong_unknown_and_mixed(parse: Parse, charset: str, data: bytes, text: str) -> None:
    assert parse(f"Content-Type: text/plain; charset={charset}", data).message.text == text


@pytest.mark.parametrize(
    ("encoding", "data", "text"),
    [
        ("base64", b"aGVsbG8=\r\nd29ybGQ=\r\n", "helloworld"),
        ("base64", b"aGVs*bG8", "hello"),
        ("BASE64 ", b"aGVsbG8gd29ybGQ", "hello world"),
        ("base64", b"!", ""),
        ("quoted-printable", b"caf=C3=A9 =\r\nau lait =ZZ =", "café au lait =ZZ "),
        ("8bit", "café".encode(), "café"),
        ("no-such-encoding", b"words", "words"),
    ],
)
def test_broken_transfer_encodings_give_what_can_be_read(parse: Parse, encoding: str, data: bytes, text: str) -> None:
    assert parse(f"Content-Transfer-Encoding: {encoding}", data).message.text.strip("=") == text


def test_a_multipart_without_its_boundary_is_text(parse: Parse) -> None:
    assert parse("Content-Type: multipart/mixed", "words").message.text == "words"
    assert parse("Content-Type: multipart/mixed; boundary=b", "words").message.text == "words"


def test_a_missing_last_delimiter_is_forgiven(parse: Parse) -> None:
    entity = multipart("mixed", PLAIN, PDF).partition("--=_b--")[0]
    arrival = mail(parse, entity)
    assert arrival.message.text == "plain words"
    assert arrival.attachments[0].content == b"%PDF-1.7"


def test_a_boundary_that_begins_another_is_told_apart(parse: Parse) -> None:
    inner = multipart("alternative", PLAIN, HTML, boundary="b-inner")
    assert mail(parse, multipart("mixed", inner, PDF, boundary="b")).message.text == "plain words"


def test_text_and_html_are_bounded(parse: Parse) -> None:
    assert len(parse("Subject: x", "ä" * 100_000).message.text) == MOST_TEXT
    long = parse("Content-Type: text/html", "<p>words</p>" * 30_000)
    assert long.html is None
    assert len(long.message.text) == MOST_TEXT


def test_lines_that_a_program_broke_are_whole_again(parse: Parse) -> None:
    flowed = "Hello, this is \r\none line.\r\n> quoted \r\n> too\r\n-- \r\nAna\r\n From here\r\n"
    text = parse("Content-Type: text/plain; format=flowed", flowed).message.text
    assert text == "Hello, this is one line.\n> quoted too\n-- \nAna\nFrom here"
    assert unflow("日 \n本", delete_space=True) == "日本"


def test_html_keeps_blocks_quotes_and_the_words_of_links() -> None:
    html = """<html><head><title>T</title><style>p{}</style></head><body><script>x()</script><p>Hello&nbsp;<b>there</b>,</p>
    <p>see <a href="https://x.example">our page</a><br>5 &lt; 6 &amp; 5 < 6</p><ul><li>a</li><li>b</li></ul>
    <table><tr><td>1</td><td>2</td></tr></table><div style="display: none">unseen</div>She wrote:
    <blockquote><p>old</p><blockquote>older</blockquote></blockquote><pre>  as
  is</pre><!-- gone --></body></html>"""
    assert html_text(html) == (
        "Hello there,\n\nsee our page\n5 < 6 & 5 < 6\n\n- a\n- b\n\n1 2\n\nShe wrote:\n\n> old\n>\n> > older\n\n  as\n  is"
    )


@pytest.mark.parametrize(
    "html", ["&#99999999999999999999999;", "<p", "<", "<p hidden>kept", "<!--", "&#x110000;", "<a b='"]
)
def test_broken_html_is_read(html: str) -> None:
    assert isinstance(html_text(html), str)
