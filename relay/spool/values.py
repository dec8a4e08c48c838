"""An item as values for JSON: what the API and ``queue --json`` say of it.  Pure.

No text in it has lone surrogates; what does not print is for whoever writes the JSON to escape.
"""

from relay.mail.text import unicode_text
from relay.spool.item import Item


def item_values(item: Item) -> dict[str, object]:
    """Return what a list says of an item."""
    return {
        "id": item.id,
        "queue_id": item.queue_id,
        "state": item.state.value,
        "in_hand": item.in_hand,
        "hop": item.destination,
        "channel": item.channel,
        "reason": item.reason or None,
        "reverse_path": unicode_text(item.reverse_path.text),
        "forward_paths": [unicode_text(path.text) for path in item.forward_paths],
        "size": item.size,
        "accepted_at": item.accepted_at.isoformat(),
        "next_attempt_at": item.next_attempt_at.isoformat() if item.next_attempt_at else None,
        "attempts": item.attempts,
        "unknowns": item.unknowns,
        "crashes": item.crashes,
        "last_reply": unicode_text(item.last_reply),
    }
