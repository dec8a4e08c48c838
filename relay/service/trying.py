"""Judge a message that somebody tries, by what is in force; nothing of it is kept, and nobody is asked."""

from relay.channels import ChannelBook
from relay.events import Fault, Observe
from relay.judge import judge
from relay.mail.content import head_end
from relay.mail.envelope import Client, Known
from relay.mail.trace import Given, stored_view
from relay.mail.view import OUR_FAULT, unread_view
from relay.stamp import StampRules, stamp
from relay.web.sources import Trial, Tried


def tried(trial: Trial, book: ChannelBook, rules: StampRules, observe: Observe) -> Tried:
    """Return the verdict and the stamp; a bug of ours on the way is reported, and opens the ticket."""
    head = trial.octets[: head_end(trial.octets)]
    given = Given(trial.reverse_path, trial.forward_paths, trial.address, trial.user)
    try:
        view = stored_view(head, given, limit=book.header_size)
    except Exception as error:  # a supervisor: what we cannot judge stays open
        observe(Fault("judging", error))
        view = unread_view(OUR_FAULT, (), Client(), Known())
    verdict = judge(view, book)
    return Tried(verdict, tuple(stamp(verdict, rules).lines))
