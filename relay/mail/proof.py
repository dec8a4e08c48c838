"""What proves who sent a message beyond its client, and why a signature that could does not.  Pure."""

from dataclasses import dataclass
from enum import StrEnum

DKIM = "dkim"
"""A signature that we verified ourselves."""
AUTHENTICATION_RESULTS = "authentication-results"
"""A signature that the MTA verified."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A valid signature."""

    kind: str
    """``DKIM`` or ``AUTHENTICATION_RESULTS``."""
    domain: str
    """In A-labels."""
    authserv_id: str = ""
    """Who verified it; empty: we."""


class ProofFault(StrEnum):
    """Why a signature is no proof; the words follow the name of its domain."""

    AMBIGUOUS = "the header section has a line that could be read in more than one way"
    MALFORMED = "the signature is malformed"
    ALGORITHM = "the signature is made by an algorithm that proves nothing"
    FROM_NOT_COVERED = "the signature does not cover From"
    PARTIAL = "the signature covers only a part of the body (l=)"
    EXPIRED = "the signature has expired"
    TOO_MANY = "too many signatures stand above this one"
    NO_KEY = "its key is not in DNS"
    NO_ANSWER = "DNS does not say its key"
    REVOKED = "its key was revoked"
    BAD_KEY = "its key is malformed, of another kind, or there are several"
    WEAK_KEY = "its key has fewer than 1024 bits"
    TESTING = "its key is only for tests (t=y)"
    HEADER_CHANGED = "the header section is not as it was signed"
    BODY_CHANGED = "the body is not as it was signed"
    OUT_OF_TIME = "it could not be verified in time"
    NOT_VOUCHED_FOR = "no Authentication-Results field that is believed says that it is valid"


@dataclass(frozen=True, slots=True)
class Unproved:
    """A signature that was looked at and is no proof."""

    domain: str
    """In A-labels."""
    fault: ProofFault


@dataclass(frozen=True, slots=True)
class Proved:
    """What the signatures of a message prove."""

    signers: frozenset[str]
    """The domains that signatures name, verified or not, in A-labels."""
    proofs: tuple[Proof, ...] = ()
    unproved: tuple[Unproved, ...] = ()
