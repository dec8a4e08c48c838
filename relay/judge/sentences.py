"""The words of the explanations, in English and German; one sentence for each fact.  Pure."""

from enum import StrEnum

from relay.judge.verdict import Because, Doubt, Question, Reason, Unknown


class Language(StrEnum):
    """A language that explanations are given in."""

    EN = "en"
    DE = "de"


Words = tuple[str, str]
"""English, German."""

BECAUSE: dict[Because, Words] = {
    Because.COMPLETE: ("the header section is complete", "der Nachrichtenkopf ist vollständig"),
    Because.NOT_READ: ("it could not be read: {0}", "er war nicht lesbar: {0}"),
    Because.TOO_LARGE: (
        "the header section is larger than {0} octets (limits.header_size)",
        "der Nachrichtenkopf ist größer als {0} Oktette (limits.header_size)",
    ),
    Because.FROM_NAMES: ("From names {0}", "From nennt {0}"),
    Because.NO_ONE_AUTHOR: ("{0}", "{0}"),
    Because.OF_CHANNEL: ("{0} is an address of channel {1}", "{0} ist eine Adresse des Kanals {1}"),
    Because.OF_NO_CHANNEL: ("{0} is no channel's address", "{0} ist keine Adresse eines Kanals"),
    Because.ONLY_SUBADDRESS: (
        "{0} is a subaddress of channel {1}; authors are matched exactly, so it is another address",
        "{0} ist eine Unteradresse des Kanals {1}; Absender werden genau verglichen, also ist es eine andere Adresse",
    ),
    Because.ONLY_INBOUND: (
        "{0} is an inbound address of channel {1}, not the channel's own",
        "{0} ist eine Eingangsadresse des Kanals {1}, nicht seine eigene",
    ),
    Because.NOT_REWRITTEN: (
        "no list or group wrote From for somebody else",
        "keine Liste oder Gruppe hat From für jemand anderen gesetzt",
    ),
    Because.REWRITTEN: (
        "{0} tells of a list or group, and the original author is {1}",
        "{0} zeigt eine Liste oder Gruppe an, und ursprünglich schrieb {1}",
    ),
    Because.CLOSES: ("channel {0} takes part", "Kanal {0} nimmt teil"),
    Because.EXEMPT: ("channel {0} has auto_close: never", "für Kanal {0} gilt auto_close: never"),
    Because.NO_PROOF: (
        "nothing proves that the helpdesk platform sent it",
        "nichts beweist, dass die Helpdesk-Plattform sie gesendet hat",
    ),
    Because.CLIENT_UNKNOWN: (
        "nothing proves that the helpdesk platform sent it; the client is not known",
        "nichts beweist, dass die Helpdesk-Plattform sie gesendet hat; der Client ist nicht bekannt",
    ),
    Because.IN_NETWORK: (
        "the client {0} is in a network of the helpdesk platform",
        "der Client {0} liegt in einem Netz der Helpdesk-Plattform",
    ),
    Because.PLATFORM_USER: (
        "it was submitted with the helpdesk platform's login {0}",
        "sie kam mit der Anmeldung {0} der Helpdesk-Plattform",
    ),
    Because.PLATFORM_SIGNED: (
        "a valid signature of the helpdesk platform's domain {0} covers From",
        "eine gültige Signatur der Plattform-Domain {0} deckt From ab",
    ),
    Because.PLATFORM_VOUCHED_FOR: (
        "a valid signature of the helpdesk platform's domain {0}, as the Authentication-Results of {1} say",
        "eine gültige Signatur der Plattform-Domain {0}, wie die Authentication-Results von {1} sagen",
    ),
    Because.NOT_PROVED: (
        "nothing proves that the helpdesk platform sent it, although it has its signature: {*}",
        "nichts beweist, dass die Helpdesk-Plattform sie gesendet hat, obwohl sie deren Signatur trägt: {*}",
    ),
    Because.NOT_AMONG_RECIPIENTS: (
        "the channel's own address is not among the recipients",
        "die eigene Adresse des Kanals ist nicht unter den Empfängern",
    ),
    Because.AMONG_RECIPIENTS: ("{0} is in {1}", "{0} steht in {1}"),
    Because.NO_DOUBT: ("no doubt was found", "es gibt keinen Zweifel"),
    Because.DOUBTS_CLOSE: (
        "doubts do not count for this channel (when_in_doubt: close), found: {*}",
        "Zweifel zählen für diesen Kanal nicht (when_in_doubt: close), gefunden: {*}",
    ),
    Because.DOUBTS_OPEN: (
        "doubts open the ticket for this channel (when_in_doubt: open), found: {*}",
        "Zweifel öffnen für diesen Kanal das Ticket (when_in_doubt: open), gefunden: {*}",
    ),
    Because.SWITCHED_ON: ("channel {0} does more than observe", "Kanal {0} beobachtet nicht nur"),
    Because.OBSERVING: (
        "channel {0} has auto_close: observe; the ticket would have been closed",
        "für Kanal {0} gilt auto_close: observe; das Ticket wäre geschlossen worden",
    ),
    Because.NOT_ASKED_UNREAD: ("the header section was not read", "der Nachrichtenkopf wurde nicht gelesen"),
    Because.NOT_ASKED_NO_AUTHOR: ("there is no one author", "es gibt nicht genau einen Absender"),
    Because.NOT_ASKED_NO_CHANNEL: ("the author is no channel", "der Absender ist kein Kanal"),
}

REASONS: dict[Reason, Words] = {
    Reason.OUTBOUND_COPY: (
        "It is a copy of what was sent in the channel's own name, and was not sent to the channel itself.",
        "Es ist die Kopie einer Nachricht, die im Namen des Kanals verschickt wurde, und ging nicht an den Kanal selbst.",
    ),
    Reason.UNREADABLE: (
        "Its header section could not be read whole, and what is unclear stays open.",
        "Ihr Nachrichtenkopf war nicht ganz lesbar; was unklar ist, bleibt offen.",
    ),
    Reason.NO_AUTHOR: ("It names no author.", "Sie nennt keinen Absender."),
    Reason.AMBIGUOUS_AUTHOR: (
        "Its author is not clear, and an unclear author opens the ticket.",
        "Ihr Absender ist nicht eindeutig; ein unklarer Absender öffnet das Ticket.",
    ),
    Reason.FOREIGN_AUTHOR: (
        "Somebody else wrote it: the author is no channel's own address.",
        "Jemand anders hat sie geschrieben: Der Absender ist keine eigene Adresse eines Kanals.",
    ),
    Reason.REWRITTEN_AUTHOR: (
        "A list or group put the channel's address in From for somebody else.",
        "Eine Liste oder Gruppe hat die Adresse des Kanals für jemand anderen in From gesetzt.",
    ),
    Reason.CHANNEL_EXEMPT: (
        "This channel closes nothing (auto_close: never).",
        "Dieser Kanal schließt nichts (auto_close: never).",
    ),
    Reason.PLATFORM_SENT: (
        "The helpdesk platform itself sent it.",
        "Die Helpdesk-Plattform selbst hat sie gesendet.",
    ),
    Reason.SELF_ADDRESSED: (
        "The channel itself is among the recipients, so it was meant to become a ticket.",
        "Der Kanal selbst ist unter den Empfängern, also sollte ein Ticket entstehen.",
    ),
    Reason.IN_DOUBT: (
        "A customer may be speaking, and this channel opens what is in doubt.",
        "Vielleicht spricht ein Kunde, und dieser Kanal lässt im Zweifel offen.",
    ),
    Reason.OBSERVED: (
        "It is an outbound copy, but this channel only observes (auto_close: observe).",
        "Es ist eine ausgehende Kopie, aber dieser Kanal beobachtet nur (auto_close: observe).",
    ),
}

REMEDIES: dict[Reason, Words] = {
    Reason.OUTBOUND_COPY: (
        "Add {own} to To, Cc or Bcc, or let the tool send from an address that is not listed under any channel.",
        "Setzen Sie {own} in To, Cc oder Bcc, oder lassen Sie das Werkzeug von einer Adresse senden, die unter keinem Kanal steht.",
    ),
    Reason.UNREADABLE: (
        "Nothing to do to keep it open; to have such mail judged, let it arrive whole, with a smaller header section.",
        "Damit sie offen bleibt, ist nichts zu tun; damit solche Post beurteilt wird, muss sie ganz und mit kleinerem Kopf ankommen.",
    ),
    Reason.NO_AUTHOR: (
        "Nothing to do to keep it open; to have a tool's copies closed, let it write one address in From.",
        "Damit sie offen bleibt, ist nichts zu tun; sollen Kopien eines Werkzeugs schließen, muss es eine Adresse in From schreiben.",
    ),
    Reason.AMBIGUOUS_AUTHOR: (
        "Nothing to do to keep it open; to have a tool's copies closed, let it write exactly one plain address in one From field.",
        "Damit sie offen bleibt, ist nichts zu tun; sollen Kopien eines Werkzeugs schließen, muss es genau eine einfache Adresse in ein From-Feld schreiben.",
    ),
    Reason.FOREIGN_AUTHOR: (
        "Nothing to do to keep it open; to have copies from this address closed, list it under a channel's also.",
        "Damit sie offen bleibt, ist nichts zu tun; sollen Kopien von dieser Adresse schließen, gehört sie unter also eines Kanals.",
    ),
    Reason.REWRITTEN_AUTHOR: (
        "Nothing to do to keep it open.",
        "Damit sie offen bleibt, ist nichts zu tun.",
    ),
    Reason.CHANNEL_EXEMPT: (
        "Nothing to do to keep it open; to have copies closed, set the channel's auto_close to always.",
        "Damit sie offen bleibt, ist nichts zu tun; sollen Kopien schließen, setzen Sie auto_close des Kanals auf always.",
    ),
    Reason.PLATFORM_SENT: (
        "Nothing to do to keep it open; what the platform sends is never closed.",
        "Damit sie offen bleibt, ist nichts zu tun; was die Plattform sendet, wird nie geschlossen.",
    ),
    Reason.SELF_ADDRESSED: (
        "Nothing to do to keep it open; to have such copies closed, leave the channel's own address out of To, Cc and Bcc.",
        "Damit sie offen bleibt, ist nichts zu tun; sollen solche Kopien schließen, lassen Sie die eigene Adresse des Kanals aus To, Cc und Bcc weg.",
    ),
    Reason.IN_DOUBT: (
        "Nothing to do to keep it open; to have such copies closed too, set when_in_doubt to close.",
        "Damit sie offen bleibt, ist nichts zu tun; sollen auch solche Kopien schließen, setzen Sie when_in_doubt auf close.",
    ),
    Reason.OBSERVED: (
        "To have such copies closed, set the channel's auto_close to always.",
        "Sollen solche Kopien schließen, setzen Sie auto_close des Kanals auf always.",
    ),
}

QUESTIONS: dict[Question, Words] = {
    Question.READABLE: ("Did the header section reach us whole?", "Kam der Nachrichtenkopf ganz bei uns an?"),
    Question.ONE_AUTHOR: ("Is there exactly one clear author?", "Gibt es genau einen klaren Absender?"),
    Question.AUTHOR_IS_A_CHANNEL: (
        "Is the author a channel's own address?",
        "Ist der Absender eine eigene Adresse eines Kanals?",
    ),
    Question.NOT_REWRITTEN: (
        "Did the channel itself write it, not a list for somebody?",
        "Schrieb der Kanal selbst, nicht eine Liste für jemanden?",
    ),
    Question.CHANNEL_CLOSES: ("Does the channel close copies?", "Schließt der Kanal Kopien?"),
    Question.FROM_OUTSIDE: (
        "Did it come from outside the helpdesk platform?",
        "Kam sie von außerhalb der Helpdesk-Plattform?",
    ),
    Question.NOT_SENT_TO_ITSELF: (
        "Is the channel itself not among the recipients?",
        "Ist der Kanal selbst nicht unter den Empfängern?",
    ),
    Question.NO_DOUBT: ("Is there no doubt that counts?", "Gibt es keinen Zweifel, der zählt?"),
    Question.NOT_OBSERVING: (
        "Is the channel more than an observer?",
        "Ist der Kanal mehr als ein Beobachter?",
    ),
}

DOUBTS: dict[Doubt, Words] = {
    Doubt.NO_OUTSIDE_RECIPIENT: ("nobody outside is in To or Cc", "niemand von außen steht in To oder Cc"),
    Doubt.REPLY_TO_OUTSIDER: (
        "the answer would go to an outsider",
        "die Antwort ginge an jemanden von außen",
    ),
    Doubt.DELIVERY_REPORT: ("it is a delivery report", "sie ist ein Zustellbericht"),
}

UNKNOWNS: dict[Unknown, tuple[Words, Words]] = {
    Unknown.ENVELOPE: (("it arrived for {own}", "sie für {own} ankam"), ("--rcpt-to", "--rcpt-to")),
    Unknown.CLIENT: (
        (
            "the client is in a network that channels.yaml trusts",
            "der Client in einem Netz liegt, dem channels.yaml traut",
        ),
        ("--client-ip", "--client-ip"),
    ),
    Unknown.USER: (
        ("the platform's login was used", "die Anmeldung der Plattform benutzt wurde"),
        ("--auth-user", "--auth-user"),
    ),
    Unknown.SIGNATURE: (
        (
            "a signature of the platform is valid, which was not verified here",
            "eine Signatur der Plattform gilt, die hier nicht geprüft wurde",
        ),
        (
            "the whole message to explain, without --offline",
            "explain die ganze Nachricht, ohne --offline",
        ),
    ),
}
"""What would open the ticket, and what tells it."""

OPEN_IF: Words = ("open if {0}; give {1}", "offen, wenn {0}; dazu {1} angeben")
OR: Words = (" or ", " oder ")
OR_IF: Words = (", or if ", ", oder wenn ")

CLOSABLE: dict[str, Words] = {
    "never": (
        "{name} closes nothing (auto_close: never)",
        "{name} schließt nichts (auto_close: never)",
    ),
    "observes": (
        "{name} only observes (auto_close: observe); switched on: {what}",
        "{name} beobachtet nur (auto_close: observe); eingeschaltet: {what}",
    ),
    "does": ("{name}: {what}", "{name}: {what}"),
    "has": ("{name} has {what}", "{name} hat {what}"),
    "anywhere": (
        "outbound copies are closed wherever they arrive, blind copies to the channel itself included",
        "ausgehende Kopien schließen, wo immer sie ankommen, auch Blindkopien an den Kanal selbst",
    ),
    "unless-trace": (
        "outbound copies are closed wherever they arrive, unless a trusted client's trace field names the channel",
        "ausgehende Kopien schließen, wo immer sie ankommen, es sei denn, ein Trace-Feld eines vertrauten Clients nennt den Kanal",
    ),
    "inbound": (
        "outbound copies that arrive at {arrivals} or reach another channel can be closed",
        "ausgehende Kopien, die bei {arrivals} ankommen oder einen anderen Kanal erreichen, können schließen",
    ),
    "no-inbound": (
        "no inbound address: {reached}; name the address your copies arrive at, or set bcc_evidence: [header]",
        "keine Eingangsadresse: {reached}; nennen Sie die Adresse, an der Ihre Kopien ankommen, oder setzen Sie bcc_evidence: [header]",
    ),
    "other-channel": (
        "only copies that reach another channel can be closed",
        "nur Kopien, die einen anderen Kanal erreichen, können schließen",
    ),
    "other-address": (
        "only copies that reach another address of domains can be closed",
        "nur Kopien, die eine andere Adresse aus domains erreichen, können schließen",
    ),
    "nothing": ("nothing can be closed", "nichts kann schließen"),
}
"""What a channel can close; ``other-channel``, ``other-address`` and ``nothing`` stand within ``no-inbound``."""
