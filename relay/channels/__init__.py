"""The channel book: everything a verdict depends on.  Pure."""

from relay.channels.book import AutoClose, BccEvidence, Channel, ChannelBook, Platform, Rule, WhenInDoubt
from relay.channels.networks import Network, Networks

__all__ = [
    "AutoClose",
    "BccEvidence",
    "Channel",
    "ChannelBook",
    "Network",
    "Networks",
    "Platform",
    "Rule",
    "WhenInDoubt",
]
