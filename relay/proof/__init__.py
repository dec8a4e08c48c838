"""DKIM signatures of the helpdesk platform, verified where one would change a verdict."""

from relay.proof.prover import Lookup, Prover

__all__ = ["Lookup", "Prover"]
