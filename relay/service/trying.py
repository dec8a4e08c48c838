"""Judge a message that somebody tries, by what is in force; nothing of it is kept.

Nobody is asked but DNS, for a signature of the platform that would change the verdict.
"""

from relay.channels import ChannelBook
from relay.events import Fault, Observe
from relay.judge import judge, wanted_signers
from relay.mail.content import HeldContent
from relay.mail.envelope import Client, Known
from relay.mail.trace import Given, stored_view
from relay.mail.view import OUR_FAULT, unread_view, with_proved
from relay.pipeline.seams import Prove
from relay.stamp import StampRules, stamp
from relay.web.sources import Trial, Tried


async def tried(trial: Trial, book: ChannelBook, rules: StampRules, observe: Observe, prove: Prove) -> Tried:
    """Return the verdict and the stamp; a bug of ours on the way is reported, and opens the ticket."""
    content = HeldContent(trial.octets)
    given = Given(trial.reverse_path, trial.forward_paths, trial.address, trial.user)
    try:
        view = stored_view(content.head, given, limit=book.header_size)
    except Exception as error:  # a supervisor: what we cannot judge stays open
        observe(Fault("judging", error))
        view = unread_view(OUR_FAULT, (), Client(), Known())
    verdict = judge(view, book)
    wanted = wanted_signers(verdict, book)
    if trial.whole and wanted.intersection(view.signers or ()):
        verdict = judge(with_proved(view, await prove(content, wanted)), book)
    return Tried(verdict, tuple(stamp(verdict, rules).lines))
