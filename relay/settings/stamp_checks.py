"""What the keys of the stamp and of its link cannot tell each alone.  Without I/O."""

from collections.abc import Iterator

from relay.settings.model import Fields, Settings
from relay.settings.nodes import Path

Found = tuple[Path, str]
"""Where a problem is, and its words."""
_LONGEST_LINKED = 500
"""Characters of ``web.url`` in a field, whose line must stay below the 998 of RFC 5322 2.1.1."""


def fields_of_the_stamp(settings: Settings) -> Iterator[Found]:
    """Yield a problem for each field that a stamp sets twice."""
    fields: dict[str, Fields] = {"auto-closed": settings.stamp.auto_closed, "open": settings.stamp.open}
    for key, listed in fields.items():
        seen: set[str] = set()
        for name, _ in listed:
            if name.lower() in seen:
                yield (
                    ("stamp", key, name),
                    f"the field {name} stands here twice; names match in any case: write it once",
                )
            seen.add(name.lower())


def link_of_the_stamp(settings: Settings) -> Iterator[Found]:
    """Yield a problem where a link is wanted and none can be made."""
    if not settings.stamp.link:
        return
    url = settings.web.url
    if url is None:
        yield (
            ("stamp", "link"),
            (
                "a link needs to know where the world sees the web page; "
                "write web.url, such as https://relay.company.com, or link: false"
            ),
        )
    elif not url.isascii() or not url.isprintable() or len(url) > _LONGEST_LINKED:
        yield (
            ("web", "url"),
            (
                f"with stamp.link it stands in a header field, which takes up to {_LONGEST_LINKED} characters of ASCII; "
                "write the host as A-labels (xn--…) and the path percent-encoded, or link: false"
            ),
        )
