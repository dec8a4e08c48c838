"""One connection with an MTA: packet in, replies and edits out.  Pure: a state machine.

``TABLE`` says what every packet does in every state; what it does not allow is the MTA's fault (PeerError) and
ends the connection.  A bug in what was handed in is passed on to the server, which asks ``failed`` what to answer.
"""

from collections.abc import Callable
from enum import Enum
from functools import lru_cache
from typing import assert_never

from relay.errors import PeerError
from relay.mail.envelope import Client
from relay.mail.fields import field_line, text_of
from relay.milter import packets
from relay.milter.packets import Action, Command, Offer, Origin, Packet, Stage, Step
from relay.milter.submission import Submission, client_of, forward_path_of, reverse_path_of
from relay.milter.terms import Decision, LetThrough, PutOff, Stamp, Terms

NEEDED = Action.ADDHDRS | Action.CHGHDRS
WANTED_STEPS = (
    Step.NOBODY
    | Step.NOEOH
    | Step.NODATA
    | Step.NOUNKNOWN
    | Step.RCPT_REJ
    | Step.NR_CONN
    | Step.NR_HELO
    | Step.NR_MAIL
    | Step.NR_RCPT
    | Step.NR_HDR
    | Step.HDR_LEADSPC
)
WANTED_MACROS = {Stage.MAIL: b"i {auth_authen}", Stage.RCPT: b"i {rcpt_mailer}", Stage.END: b"i"}
_WITHOUT_REPLY = {
    Command.CONNECT: Step.NR_CONN,
    Command.HELO: Step.NR_HELO,
    Command.MAIL: Step.NR_MAIL,
    Command.RCPT: Step.NR_RCPT,
    Command.HEADER: Step.NR_HDR,
}
_COMMANDS = frozenset(Command)
_OF_A_MESSAGE = (
    Command.MAIL,
    Command.RCPT,
    Command.DATA,
    Command.HEADER,
    Command.EOH,
    Command.BODY,
    Command.BODYEOB,
)
_MOST_MACROS = 64 * 1024
_REFUSED_BY_THE_MTA = b"error"
"""What ``{rcpt_mailer}`` is for a forward-path that the MTA refused (SMFIP_RCPT_REJ)."""


@lru_cache(maxsize=64)
def agreement(payload: bytes) -> tuple[frozenset[int], bool, bytes]:
    """Answer an offer: packets without a reply, whether values keep their leading blank, and the octets to send."""
    offer = packets.read_offer(payload)
    if offer.version < packets.OLDEST_VERSION:
        raise PeerError(f"protocol version {offer.version}, which is too old")
    if offer.actions & NEEDED != NEEDED:
        raise PeerError("header fields may not be changed")
    actions = offer.actions & (NEEDED | Action.SETSYMLIST)
    steps = offer.steps & WANTED_STEPS
    silent = frozenset(command for command, step in _WITHOUT_REPLY.items() if steps & step)
    agreed = Offer(min(offer.version, packets.NEWEST_VERSION), actions, steps)
    reply = packets.optneg(agreed, WANTED_MACROS if actions & Action.SETSYMLIST else {})
    return silent, bool(steps & Step.HDR_LEADSPC), reply


class State(Enum):
    """Where a connection stands."""

    NEW = "nothing was agreed on"
    IDLE = "between mail transactions"
    ENVELOPE = "after MAIL"
    CONTENT = "in the header section or the body"


class Session:
    """One connection; ``terms`` returns the terms in force, asked at each MAIL."""

    __slots__ = (
        "_cells", "_helo", "_leading_space", "_macros", "_now", "_origin", "_silent", "_submission", "_terms", "ended", "state",
    )  # fmt: skip

    def __init__(self, terms: Callable[[], Terms]) -> None:
        self.state = State.NEW
        self.ended = False
        """The MTA has said QUIT."""
        self._cells = TABLE[State.NEW]
        self._terms = terms
        self._silent: frozenset[int] = frozenset()
        """Packets that it was agreed on not to reply to."""
        self._leading_space = False
        self._origin: Origin | None = None
        self._helo = ""
        self._macros: dict[int, bytes] = {}
        """By the command that they came before, not read yet."""
        self._submission: Submission | None = None
        self._now = 0.0

    @property
    def client(self) -> Client:
        """The client that the MTA speaks with, as far as it has told."""
        return client_of(self._origin, self._helo, None)[0]

    @property
    def busy(self) -> bool:
        """A mail transaction is in hand."""
        return self._submission is not None

    def receive(self, packet: Packet, now: float) -> bytes:
        """Take a packet that came at ``now``; return what is to be sent, which may be nothing."""
        command, payload = packet
        cell = self._cells.get(command)
        if cell is None:
            raise PeerError(_unexpected(command, self.state))
        answer, then = cell
        self._now = now
        replies = answer(self, payload)
        if then is not self.state:
            self.state, self._cells = then, TABLE[then]
        return replies

    def failed(self, packet: Packet) -> bytes:
        """Return the answer to ``packet`` where a bug of ours kept us from one; the connection ends after it."""
        submission = self._submission
        if packet[0] != Command.BODYEOB or submission is None:
            return b""
        return self._carried_out(submission.terms.fallback, submission)

    def _negotiate(self, payload: bytes) -> bytes:
        self._silent, self._leading_space, reply = agreement(payload)
        return reply

    def _macro(self, payload: bytes) -> bytes:
        if not payload or len(payload) > _MOST_MACROS:
            raise PeerError(f"{len(payload)} octets of macros")
        if payload[0] in _COMMANDS:
            self._macros[payload[0]] = payload
        return b""

    def _connect(self, payload: bytes) -> bytes:
        self._forget_the_client()
        self._origin = packets.read_origin(payload)
        return self._continue(Command.CONNECT)

    def _say_helo(self, payload: bytes) -> bytes:
        self._forget_the_message()
        self._helo = text_of(packets.read_texts(payload)[0])
        return self._continue(Command.HELO)

    def _mail(self, payload: bytes) -> bytes:
        user = self._macros_before(Command.MAIL).get(b"auth_authen")
        self._submission = Submission(
            self._terms(),
            client_of(self._origin, self._helo, text_of(user) if user else None),
            reverse_path_of(packets.read_texts(payload)),
            self._now,
            leading_space=self._leading_space,
        )
        return self._continue(Command.MAIL)

    def _rcpt(self, payload: bytes) -> bytes:
        mailer = self._macros_before(Command.RCPT).get(b"rcpt_mailer")
        path = forward_path_of(packets.read_texts(payload))
        if path is not None:
            self._message.take_forward_path(path, accepted=mailer != _REFUSED_BY_THE_MTA)
        return self._continue(Command.RCPT)

    def _header(self, payload: bytes) -> bytes:
        self._message.take_field(*packets.read_field(payload))
        return self._continue(Command.HEADER)

    def _end(self, _: bytes) -> bytes:
        submission = self._message
        decision = submission.terms.decide(submission.message(self._queue_id()))
        replies = self._carried_out(decision, submission)
        self._forget_the_message()
        return replies

    def _carried_out(self, decision: Decision, submission: Submission) -> bytes:
        match decision:
            case LetThrough():
                return packets.ACCEPT
            case PutOff():
                return packets.TEMPFAIL
            case Stamp(fields):
                edits = [packets.delheader(name, index) for name, index in reversed(submission.forged)]
                edits += [self._insertion(name, value) for name, value in reversed(fields)]
                return b"".join((*edits, packets.ACCEPT))
            case never:
                assert_never(never)

    def _insertion(self, name: str, value: str) -> bytes:
        written, _, rest = field_line(name, value).removesuffix(b"\r\n").partition(b":")
        kept = rest if self._leading_space else rest.removeprefix(b" ")
        return packets.insheader(0, written, kept)

    def _data(self, _: bytes) -> bytes:
        return self._continue(Command.DATA)

    def _end_of_header(self, _: bytes) -> bytes:
        return self._continue(Command.EOH)

    def _body(self, _: bytes) -> bytes:
        return self._continue(Command.BODY)

    def _unknown_command(self, _: bytes) -> bytes:
        return self._continue(Command.UNKNOWN)

    def _abort(self, _: bytes) -> bytes:
        self._forget_the_message()
        return b""

    def _quit(self, _: bytes) -> bytes:
        self._forget_the_client()
        self.ended = True
        return b""

    def _quit_but_stay(self, _: bytes) -> bytes:
        self._forget_the_client()
        return b""

    def _continue(self, command: int) -> bytes:
        return b"" if command in self._silent else packets.CONTINUE

    @property
    def _message(self) -> Submission:
        assert self._submission is not None, "TABLE lets nothing of a message come before its MAIL"
        return self._submission

    def _macros_before(self, command: int) -> dict[bytes, bytes]:
        """Return the macros that came before a command of this message, the last if it came several times."""
        payload = self._macros.get(command)
        return packets.read_macros(payload) if payload is not None else {}

    def _queue_id(self) -> str:
        """Return the queue id, which comes with any step of a message: with the last one, if all goes well."""
        for command in reversed(_OF_A_MESSAGE):
            if queue_id := self._macros_before(command).get(b"i"):
                return text_of(queue_id)
        return ""

    def _forget_the_message(self) -> None:
        self._submission = None
        self._macros.clear()

    def _forget_the_client(self) -> None:
        self._forget_the_message()
        self._origin, self._helo = None, ""


def _unexpected(command: int, state: State) -> str:
    try:
        return f"{Command(command).name} where {state.value}"
    except ValueError:
        return f"an unknown packet {bytes((command,))!r}"


Answer = Callable[[Session, bytes], bytes]
Row = dict[State, tuple[Answer, State]]

_NEW, _IDLE, _ENVELOPE, _CONTENT = State


def _then(then: State, answer: Answer, *where: State) -> Row:
    return dict.fromkeys(where, (answer, then))


def _staying(answer: Answer, *where: State) -> Row:
    return {state: (answer, state) for state in where}


_ROWS: dict[Command, Row] = {
    Command.OPTNEG: _then(_IDLE, Session._negotiate, _NEW, _IDLE),
    Command.MACRO: _staying(Session._macro, _IDLE, _ENVELOPE, _CONTENT),
    Command.CONNECT: _then(_IDLE, Session._connect, _IDLE),
    Command.HELO: _then(_IDLE, Session._say_helo, _IDLE, _ENVELOPE, _CONTENT),
    Command.MAIL: _then(_ENVELOPE, Session._mail, _IDLE, _ENVELOPE, _CONTENT),
    Command.RCPT: _staying(Session._rcpt, _ENVELOPE),
    Command.DATA: _then(_CONTENT, Session._data, _ENVELOPE),
    Command.HEADER: _then(_CONTENT, Session._header, _ENVELOPE, _CONTENT),
    Command.EOH: _then(_CONTENT, Session._end_of_header, _ENVELOPE, _CONTENT),
    Command.BODY: _then(_CONTENT, Session._body, _ENVELOPE, _CONTENT),
    Command.BODYEOB: _then(_IDLE, Session._end, _ENVELOPE, _CONTENT),
    Command.ABORT: _then(_IDLE, Session._abort, _IDLE, _ENVELOPE, _CONTENT),
    Command.QUIT: _staying(Session._quit, *State),
    Command.QUIT_NC: _then(_IDLE, Session._quit_but_stay, _IDLE, _ENVELOPE, _CONTENT),
    Command.UNKNOWN: _staying(Session._unknown_command, _IDLE, _ENVELOPE, _CONTENT),
}
TABLE: dict[State, dict[int, tuple[Answer, State]]] = {
    state: {command.value: row[state] for command, row in _ROWS.items() if state in row} for state in State
}
"""For every state the packets that it allows: what answers them, and the state after."""
