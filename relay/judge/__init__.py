"""The rule: is a message an outbound copy, and why.  Pure."""

from relay.judge.engine import judge, wanted_signers
from relay.judge.verdict import Disposition, Doubt, Finding, Question, Reason, Verdict

__all__ = ["Disposition", "Doubt", "Finding", "Question", "Reason", "Verdict", "judge", "wanted_signers"]
