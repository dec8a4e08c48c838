"""The words of a digest, in English and German.  Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from relay.judge.explain import Language

Counted = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Phrases:
    """Everything that a digest says of itself."""

    heading: str
    nothing: str
    closed: Counted
    observed: Counted
    in_doubt: Counted
    observing: str
    reopened: Counted
    doubtful: str
    tools: str
    no_tool: str
    others: str
    to: str
    to_nobody: str
    would: str
    again: str
    more: Counted
    hint: str
    why: str
    page: str


def _counted(one: str, many: str) -> Counted:
    return lambda number: (one if number == 1 else many).format(number)


_PHRASES = {
    Language.EN: Phrases(
        heading="Channel {channel}, from {since} until {until}",
        nothing="No ticket was closed.",
        closed=_counted("1 ticket closed", "{} tickets closed"),
        observed=_counted("1 ticket would have been closed", "{} tickets would have been closed"),
        in_doubt=_counted("1 of them in doubt", "{} of them in doubt"),
        observing="The channel observes; auto_close: always in channels.yaml lets it close.",
        reopened=_counted("1 was opened again.", "{} were opened again."),
        doubtful="In doubt: a customer may be speaking",
        tools="By the tool that seems to have sent it, the latest of each",
        no_tool="no tool named",
        others="other tools",
        to="to",
        to_nobody="to nobody in To or Cc",
        would="would have been closed",
        again="opened again",
        more=_counted("and 1 more", "and {} more"),
        hint="The tool is a hint from fields that anybody can write; it decides nothing.",
        why="Why a ticket was closed: helpdesk-relay journal show ID (the ID stands last on its line).",
        page="All decisions: {}",
    ),
    Language.DE: Phrases(
        heading="Kanal {channel}, von {since} bis {until}",
        nothing="Kein Ticket wurde geschlossen.",
        closed=_counted("1 Ticket geschlossen", "{} Tickets geschlossen"),
        observed=_counted("1 Ticket wäre geschlossen worden", "{} Tickets wären geschlossen worden"),
        in_doubt=_counted("1 davon im Zweifel", "{} davon im Zweifel"),
        observing="Der Kanal beobachtet nur; mit auto_close: always in channels.yaml schließt er.",
        reopened=_counted("1 wurde wieder geöffnet.", "{} wurden wieder geöffnet."),
        doubtful="Im Zweifel: hier spricht vielleicht ein Kunde",
        tools="Nach dem Programm, das sie wohl gesendet hat, jeweils die letzten",
        no_tool="kein Programm genannt",
        others="andere Programme",
        to="an",
        to_nobody="an niemanden in To oder Cc",
        would="wäre geschlossen worden",
        again="wieder geöffnet",
        more=_counted("und 1 weiteres", "und {} weitere"),
        hint="Das Programm ist ein Hinweis aus Feldern, die jeder schreiben kann; er entscheidet nichts.",
        why="Warum ein Ticket geschlossen wurde: helpdesk-relay journal show ID (die ID steht am Ende der Zeile).",
        page="Alle Entscheidungen: {}",
    ),
}


def phrases(language: Language) -> Phrases:
    """Return the words of a language."""
    return _PHRASES[language]
