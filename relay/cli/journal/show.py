"""``journal show``: one decision with everything that is known of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from relay.cli import exits
from relay.cli.app import config_option
from relay.cli.journal.opening import with_journal
from relay.cli.objects import object_line
from relay.cli.words import told
from relay.journal.entry import Entry, PathEntry
from relay.journal.query import BY_LINK, COMMAND_LINE, LOCAL, Look
from relay.journal.store import Journal
from relay.journal.values import decision_values, look_values, stamp_lines
from relay.judge.explain import Language
from relay.mail.text import unicode_text, visible
from relay.service.keys import web_key
from relay.service.stamping import stamp_rules_of
from relay.settings.model import Settings
from relay.web.texts import text


@click.command(name="show")
@click.argument("name", metavar="ID")
@config_option
@click.option(
    "--lang", type=click.Choice([language.value for language in Language]), default="en", help="en or de."
)
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
def command(name: str, config: str | None, lang: str, as_json: bool) -> int:
    """Show one decision; ID is its id, a queue id, a number or a Message-ID."""

    async def go(journal: Journal, settings: Settings) -> int:
        entries = await journal.get(name)
        rules = stamp_rules_of(settings, web_key(settings))
        for number, entry in enumerate(entries):
            stamped = stamp_lines(entry, rules)
            looks = await journal.looks(entry.ref)
            if as_json:
                same = await journal.same_message(entry.message_id)
                values = decision_values(entry, stamped, same, Language(lang))
                click.echo(object_line({**values, "looks": look_values(looks)}))
            else:
                if number:
                    click.echo()
                for line in (
                    *told(entry.ref, entry.verdict, stamped, Language(lang)),
                    *besides(entry, Language(lang)),
                    *(_look(look, Language(lang)) for look in looks),
                ):
                    click.echo(line)
            await journal.look(entry.ref, COMMAND_LINE, datetime.now(UTC))
        if not entries:
            click.echo(
                f"helpdesk-relay: nothing in the journal is called {visible(unicode_text(name))}", err=True
            )
        return exits.DONE if entries else exits.NO

    return with_journal(config, go)


def besides(entry: Entry, language: Language) -> Iterator[str]:
    """Yield what an entry knows besides its verdict."""
    say = _PHRASES[language]
    facts = {
        say.at: _time(entry.at),
        "message-id": entry.message_id,
        say.subject: entry.subject or "",
        say.queue_id: entry.queue_id,
        "client": f"{entry.view.client.address or say.local} {entry.view.client.helo}".strip(),
        "mail from": f"<{entry.reverse_path}>",
        say.tool: f"{entry.tool} ({say.hint})" if entry.tool else "",
        say.answer: entry.reply,
        say.not_signed: f"{', '.join(entry.broken_signatures)}: {say.stripped}"
        if entry.broken_signatures
        else "",
        say.reopened: say.by.format(_time(entry.reopened.at), _who(entry.reopened.who, language))
        if entry.reopened
        else "",
    }
    for label, fact in facts.items():
        if fact:
            yield visible(unicode_text(f"  {label:<10}  {fact}"))
    for path in entry.paths:
        yield visible(unicode_text(f"  rcpt to     {_path(path, say, language)}"))


@dataclass(frozen=True, slots=True)
class _Phrases:
    at: str = "at"
    subject: str = "subject"
    queue_id: str = "queue id"
    local: str = "local"
    tool: str = "tool"
    hint: str = "a hint that anybody can write"
    answer: str = "answer"
    not_signed: str = "not signed"
    stripped: str = "stripped although a signature covers it"
    reopened: str = "reopened"
    by: str = "{} by {}"
    became: str = "as"
    looked_at: str = "looked at"


_PHRASES = {
    Language.EN: _Phrases(),
    Language.DE: _Phrases(
        at="am",
        subject="Betreff",
        queue_id="Queue-ID",
        local="lokal",
        tool="Programm",
        hint="ein Hinweis, den jeder schreiben kann",
        answer="Antwort",
        not_signed="Signatur",
        stripped="entfernt, obwohl eine Signatur es abdeckt",
        reopened="geöffnet",
        by="{} durch: {}",
        became="als",
        looked_at="angesehen",
    ),
}


def _look(look: Look, language: Language) -> str:
    say = _PHRASES[language]
    told = say.by.format(_time(look.at), _who(look.who, language))
    return visible(unicode_text(f"  {say.looked_at:<10}  {told}"))


def _path(path: PathEntry, say: _Phrases, language: Language) -> str:
    became = f" {say.became} <{path.told}>" if path.told is not None else ""
    state = text(language, f"path.{path.state}") if language is Language.DE else path.state
    return f"<{path.path}>{became}: {state}{f', {path.words}' if path.words else ''}"


def _who(name: str, language: Language) -> str:
    ours = language is Language.DE and name in (COMMAND_LINE, LOCAL, BY_LINK)
    return text(language, f"who.{name}") if ours else name


def _time(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")
