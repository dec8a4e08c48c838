"""The channels.yaml of a relay before a hosted helpdesk, which its mail is forwarded to."""

POSTMASTER = "postmaster: it@company.com\n"


def hosted_channels(deliver: str, more: str = "") -> str:
    """Return it with these ways out and ``more`` lines."""
    return f"""\
version: 1
hostname: relay.company.com
channels:
  support:
    address: support@company.com
    inbound: [in@relay.company.com]
    forward_to: {{open: in@desk.example, auto-closed: copies@desk.example}}
deliver: {{{deliver}}}
{more}"""
