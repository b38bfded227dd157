"""The command line: ``triage --help``."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Triage customer messages and draft replies.",
)


@app.command()
def serve(
    host: Annotated[str, typer.Option(envvar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
) -> None:
    """Start the API and the inbox.

    Example: PORT=8080 triage serve
    """
    from importlib import import_module

    from triage.settings import Settings

    # The HTTP layer is looked up by name: the domain must not depend on it.
    raise typer.Exit(import_module("api.server").serve(host, port, Settings()))


@app.command()
def worker() -> None:
    """Triage what is kept and send what is approved, beside the API (which then runs with TRIAGE_WORKER=0).

    Example: TRIAGE_DATABASE_URL=postgresql://triage@db/triage triage worker
    """
    from triage.errors import TriageError
    from triage.work import work

    try:
        work()
    except TriageError as error:
        typer.echo(f"triage: {error}", err=True)
        raise typer.Exit(1) from None


@app.command()
def triage(
    text: Annotated[str | None, typer.Argument(help="The message; '-' reads standard input.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="JSON lines, each with at least 'text'.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where the results go, one JSON a line.")] = None,
    channel: Annotated[str, typer.Option(help="Channel of a single message.")] = "email",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Triage one message, or a file of them.

    Example: triage triage "Where is my parcel? Order 302-4471908-6625313"

    Example: triage triage --file messages.jsonl --out results.jsonl
    """
    from triage import batch
    from triage.errors import TriageError

    if (text is None) == (file is None):
        raise typer.BadParameter("give either a message or --file")
    try:
        if file is not None:
            raise typer.Exit(batch.triage_file(file, out))
        content = sys.stdin.read() if text == "-" else text or ""
        batch.triage_text(content, channel=channel, as_json=as_json or not sys.stdout.isatty())
    except TriageError as error:
        typer.echo(f"triage: {error}", err=True)
        raise typer.Exit(1) from None


articles = typer.Typer(no_args_is_help=True, help="The knowledge base.")
app.add_typer(articles, name="articles")


@articles.callback()
def _articles() -> None:
    """The knowledge base."""


@articles.command("import")
def import_(
    path: Annotated[Path, typer.Argument(help="A file or a folder.")],
    format: Annotated[
        str | None,
        typer.Option(
            help="markdown, html, csv, json, ndjson, zendesk, freshdesk, chatwoot or intercom; told by the content."
        ),
    ] = None,
    language: Annotated[str, typer.Option(help="Of what names no language itself.")] = "en",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    workspace: Annotated[str, typer.Option(help="Whose knowledge base.")] = "demo",
) -> None:
    """Import articles and saved replies: new ones are added, changed ones replaced, the others left.

    Example: triage articles import zendesk-export.json
    """
    from triage.errors import TriageError
    from triage.import_articles import import_articles

    try:
        import_articles(path, format=format, language=language, dry_run=dry_run, workspace=workspace)
    except TriageError as error:
        typer.echo(f"triage: {error}", err=True)
        raise typer.Exit(1) from None


workspaces = typer.Typer(no_args_is_help=True, help="Brands or shops, each with its own customers and articles.")
app.add_typer(workspaces, name="workspaces")


@workspaces.callback()
def _workspaces() -> None:
    """Brands or shops."""


@workspaces.command("add")
def add(
    name: Annotated[str, typer.Argument(help="a-z, 0-9, - and _")],
    brand: Annotated[str | None, typer.Option(help="As customers know it; the name where unset.")] = None,
) -> None:
    """Make a further workspace; its API key is printed once.

    Example: triage workspaces add kite --brand "Kettle & Kite"
    """
    from triage.bootstrap import add_workspace
    from triage.errors import TriageError
    from triage.settings import Settings

    try:
        typer.echo(add_workspace(Settings(), name, brand=brand or name))
    except TriageError as error:
        typer.echo(f"triage: {error}", err=True)
        raise typer.Exit(1) from None


agents = typer.Typer(no_args_is_help=True, help="People who may log in to the inbox.")
app.add_typer(agents, name="agents")

Where = Annotated[str, typer.Option("--workspace", help="Of which workspace.")]


@agents.callback()
def _agents() -> None:
    """People who may log in to the inbox."""


@agents.command("add")
def add_agent(
    login: Annotated[str, typer.Argument(help="a-z, 0-9 and . _ @ + -; a short name or an e-mail address.")],
    role: Annotated[str, typer.Option(help="agent, lead or admin.")] = "agent",
    workspace: Where = "demo",
    name: Annotated[str, typer.Option(help="As the others see it; the login where unset.")] = "",
    email: Annotated[str | None, typer.Option(help="Of the company account, where the login is none.")] = None,
) -> None:
    """Add an agent. At a terminal the password is asked for; Enter, or no terminal, makes one up, printed once.

    Example: triage agents add anna --role lead --workspace kite
    """
    from triage import agents as accounts
    from triage.errors import TriageError
    from triage.settings import Settings

    try:
        made = accounts.add_agent(
            Settings(), login, role=role, workspace=workspace, name=name, email=email, password=_asked_password()
        )
    except TriageError as error:
        typer.echo(f"triage: {error}", err=True)
        raise typer.Exit(1) from None
    _say_password(login, made)


@agents.command("list")
def list_agents(workspace: Where = "demo") -> None:
    """Print the agents of a workspace: login, role, name, last seen, and whether they are shut out.

    Example: triage agents list
    """
    from triage import agents as accounts
    from triage.errors import TriageError
    from triage.settings import Settings

    try:
        found = accounts.list_agents(Settings(), workspace)
    except TriageError as error:
        typer.echo(f"triage: {error}", err=True)
        raise typer.Exit(1) from None
    for agent in found:
        seen = f"{agent.last_seen_at:%Y-%m-%d %H:%M} UTC" if agent.last_seen_at else "never"
        typer.echo("\t".join((agent.login, agent.role, agent.name, seen, "shut out" if agent.disabled_at else "")))


@agents.command("password")
def set_password(
    login: Annotated[str, typer.Argument(help="Whose.")],
    workspace: Where = "demo",
) -> None:
    """Give an agent a new password, which ends their sessions. Asked for or made up as in `agents add`.

    Example: triage agents password anna
    """
    from triage import agents as accounts
    from triage.errors import TriageError
    from triage.settings import Settings

    try:
        made = accounts.set_agent_password(Settings(), login, workspace=workspace, password=_asked_password())
    except TriageError as error:
        typer.echo(f"triage: {error}", err=True)
        raise typer.Exit(1) from None
    _say_password(login, made)


def _asked_password() -> str | None:
    if not sys.stdin.isatty():
        return None
    typed = typer.prompt("Password (Enter makes one up)", default="", show_default=False, hide_input=True)
    if typed and typer.prompt("Once more", hide_input=True) != typed:
        raise typer.BadParameter("the two passwords differ")
    return typed or None


def _say_password(login: str, made: str | None) -> None:
    if made is None:
        typer.echo(f"{login} may log in now")
    else:
        typer.echo(f"{login} / {made}\nshown only now; works for three days and is changed at the first log-in")


EVALUATIONS = (
    "classifier", "retrieval", "retrieval_speed", "entities", "language", "encoder", "matching", "out_of_scope",
    "agreement", "calibrators", "drafts", "durable", "inbox_speed", "insights_speed",
)  # fmt: skip


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def train(context: typer.Context, what: Annotated[str, typer.Argument(help="encoder | classifier | language")]) -> None:
    """Train the encoder, the classifier or the language identifier (needs the extra 'train').

    Example: TRIAGE_CORPORA=corpora triage train encoder --work var/encoder --minutes 120
    """
    _run_module("training", what, ("encoder", "classifier", "language"), context.args)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def evaluate(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="one of the names below")],
) -> None:
    """Measure one part: classifier, retrieval, retrieval_speed, entities, language, encoder, matching, out_of_scope,
    agreement, calibrators, drafts, durable, inbox_speed, insights_speed.

    Example: triage evaluate classifier
    """
    _run_module("eval", what, EVALUATIONS, context.args)


def _run_module(package: str, name: str, known: tuple[str, ...], arguments: list[str]) -> None:
    if name not in known:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(known)}")
    from triage.errors import TriageError

    sys.argv = [f"{package}.{name}", *arguments]
    try:
        importlib.import_module(f"{package}.{name}").main()
    except ModuleNotFoundError as error:
        typer.echo(f"triage: {error.name} is not installed; pip install 'triage-assistant[train]'", err=True)
        raise typer.Exit(1) from None
    except TriageError as error:
        typer.echo(f"triage: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(1) from None


@app.command()
def doctor() -> None:
    """Check Python, the weights, the knowledge base and the data folder; the exit status is 1 where one fails.

    Example: triage doctor
    """
    from triage.doctor import examine

    failed = False
    for check in examine():
        typer.echo(f"{'ok  ' if check.passed else 'FAIL'} {check.name}: {check.detail}")
        failed |= not check.passed
    raise typer.Exit(1 if failed else 0)


def main() -> None:
    """Entry point of the console script."""
    # One thread each for the numeric libraries: their pools cost more than they gain at this size, and they read
    # the variable when they are imported, so it is set before anything else is.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    app()


if __name__ == "__main__":
    main()
