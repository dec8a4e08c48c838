"""What was wrong with a message or a signature, in German; in English a fault's value is its words.  Pure."""

from relay.mail.author import AuthorFault
from relay.mail.proof import ProofFault
from relay.mail.view import HEADER_CUT, OUR_FAULT

GERMAN_FAULTS: dict[str, str] = {
    HEADER_CUT: "der Nachrichtenkopf wurde auf dem Weg zu uns abgeschnitten",
    OUR_FAULT: "ein Fehler von uns",
    AuthorFault.MISSING: "es gibt kein From-Feld",
    AuthorFault.EMPTY: "From enthält keine Adresse",
    AuthorFault.FIELDS: "es gibt mehrere From-Felder",
    AuthorFault.BELOW_JUNK: "From steht unter einer Zeile, die kein Feld ist",
    AuthorFault.OCTETS: "From enthält ein einzelnes CR oder ein NUL",
    AuthorFault.GROUP: "From enthält eine Gruppe",
    AuthorFault.MAILBOXES: "From nennt mehrere Adressen",
    AuthorFault.BROKEN: "From lässt sich verschieden lesen",
    ProofFault.AMBIGUOUS: "der Nachrichtenkopf hat eine Zeile, die sich verschieden lesen lässt",
    ProofFault.MALFORMED: "die Signatur ist fehlerhaft",
    ProofFault.ALGORITHM: "die Signatur benutzt ein Verfahren, das nichts beweist",
    ProofFault.FROM_NOT_COVERED: "die Signatur deckt From nicht ab",
    ProofFault.PARTIAL: "die Signatur deckt nur einen Teil des Textes ab (l=)",
    ProofFault.EXPIRED: "die Signatur ist abgelaufen",
    ProofFault.TOO_MANY: "über dieser stehen zu viele Signaturen",
    ProofFault.NO_KEY: "ihr Schlüssel steht nicht im DNS",
    ProofFault.NO_ANSWER: "das DNS nennt ihren Schlüssel nicht",
    ProofFault.REVOKED: "ihr Schlüssel wurde zurückgezogen",
    ProofFault.BAD_KEY: "ihr Schlüssel ist fehlerhaft, von anderer Art, oder es gibt mehrere",
    ProofFault.WEAK_KEY: "ihr Schlüssel hat weniger als 1024 Bit",
    ProofFault.TESTING: "ihr Schlüssel dient nur der Probe (t=y)",
    ProofFault.HEADER_CHANGED: "der Nachrichtenkopf ist nicht, wie er signiert wurde",
    ProofFault.BODY_CHANGED: "der Text ist nicht, wie er signiert wurde",
    ProofFault.OUT_OF_TIME: "sie ließ sich nicht rechtzeitig prüfen",
    ProofFault.NOT_VOUCHED_FOR: "kein Authentication-Results-Feld, dem geglaubt wird, sagt, dass sie gilt",
}
