"""What the sandbox shows, as HTML, plain text and JSON values.  Pure.

Text from the network is always escaped, and what does not print is shown as an escape.  There are no
scripts and no styles in the page: the style is served by itself, so the page can forbid all others.
"""

from collections.abc import Sequence
from html import escape

from relay.mail.text import unicode_text, visible
from relay.sandbox.inbox import Message

STYLE = """\
:root { color-scheme: light dark; --line: #8886; --closed: #2a6; --open: #c70; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; margin: 0; }
ol { list-style: none; margin: 1rem 0; padding: 0; }
li { border: 1px solid var(--line); border-inline-start: .4rem solid var(--open); border-radius: .3rem; margin: .6rem 0; padding: .6rem .8rem; }
li.auto-closed { border-inline-start-color: var(--closed); }
h2 { font-size: 1rem; margin: 0; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0 .8rem; margin: .3rem 0 0; }
dt { opacity: .75; }
dd { margin: 0; }
.verdict { font-weight: bold; }
code { font-size: .9em; }
"""
"""The one style sheet."""

_EMPTY = "<p>Nothing has arrived yet. Whatever is sent to the relay will stand here, the newest first.</p>"
_CLEAR = "<p>To clear this list: <code>curl -X DELETE http://{host}/api/v1/sandbox/messages</code></p>"


def overview(messages: Sequence[Message], host: str) -> str:
    """Return the list of ``messages`` as an HTML document; ``host`` is what the reader's browser asked for."""
    count = f"{len(messages)} message{'' if len(messages) == 1 else 's'}"
    entries = "".join(map(_entry, messages))
    body = f"<ol>{entries}</ol>{_CLEAR.format(host=escape(host))}" if messages else _EMPTY
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<title>Sandbox helpdesk</title><link rel="stylesheet" href="/style.css"></head>\n'
        f"<body><main><h1>Sandbox helpdesk</h1><p>{count}. Nothing of this is forwarded to anybody.</p>\n"
        f"{body}</main></body></html>\n"
    )


def message_text(message: Message) -> str:
    """Return one message as plain text: its envelope, then its octets line by line as they came."""
    lines = [
        f"message {message.id}, {message.received_at.isoformat(timespec='seconds')}, {message.size} octets",
        f"MAIL FROM:<{message.reverse_path}>",
        *(f"RCPT TO:<{path}>" for path in message.forward_paths),
        "",
        *map(_line, message.octets.split(b"\n")),
    ]
    if len(message.octets) < message.size:
        lines.append(f"[{message.size - len(message.octets)} octets more are not kept]")
    return "\n".join(lines) + "\n"


def message_values(message: Message) -> dict[str, object]:
    """Return what the API says of a message."""
    return {
        "id": message.id,
        "received_at": message.received_at.isoformat(timespec="seconds"),
        "reverse_path": message.reverse_path,
        "forward_paths": list(message.forward_paths),
        "verdict": message.verdict,
        "reason": message.reason,
        "channel": message.channel or None,
        "subject": message.subject,
        "from": message.author,
        "to": message.to,
        "size": message.size,
        "stamp": list(message.stamp),
    }


def _entry(message: Message) -> str:
    received = message.received_at.isoformat(sep=" ", timespec="seconds")
    subject = escape(message.subject) or "(no subject)"
    why = f" — {escape(message.reason)}" if message.reason else ""
    rows = {
        "From": message.author,
        "To": message.to,
        "Channel": message.channel,
        "Envelope": f"<{message.reverse_path}> → {', '.join(message.forward_paths)}",
        "Received": received,
    }
    listed = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows.items() if value)
    stamp = "".join(f"<dd><code>{escape(line)}</code></dd>" for line in message.stamp)
    stamped = f"<dt>Stamp</dt>{stamp.replace('</dd><dd>', '<br>')}" if stamp else ""
    return (
        f'<li class="{escape(message.verdict)}"><h2><a href="/message/{message.id}">{subject}</a></h2>'
        f'<span class="verdict">{escape(message.verdict)}</span>{why}<dl>{listed}{stamped}</dl></li>\n'
    )


def _line(octets: bytes) -> str:
    return visible(
        unicode_text(octets.removesuffix(b"\r").decode("utf-8", "surrogateescape")).replace("\t", "    ")
    )
