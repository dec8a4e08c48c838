"""Small channels.yaml files in which one key is set, and the value of a key in the settings they give."""

from operator import attrgetter
from pathlib import Path

from relay.settings.model import Settings
from relay.settings.parse import parse_settings
from relay.settings.reading import attribute

FOLDER = Path("/etc/helpdesk-relay")
HASH = "$scrypt$ln=15,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$" + "a" * 43
CHANNEL = {"address": "support@company.com"}
USER = {"password": f'"{HASH}"', "may": "[read, send]"}
LISTEN = {"smtp": "[{}]", "web": "127.0.0.1:8025"}


def settings_of(text: str, environ: dict[str, str] | None = None) -> Settings:
    return parse_settings(text, "channels.yaml", FOLDER, environ or {})


def document(key: str, value: str) -> str:
    """Return a file in which ``key``, as the schema names it, has ``value``, and little else is set."""
    channel, user, listen, others = dict(CHANNEL), {}, {}, ""
    match key.split("."):
        case ["channels", _, *rest]:
            channel |= _nested(rest, value)
        case ["users", _, name]:
            user = USER | {name: value}
        case ["listen", "smtp[]", name]:
            listen = LISTEN | {"smtp": f"[{{{name}: {value}}}]"}
        case ["listen", name]:
            listen = LISTEN | {name: value}
        case ["stamp", "link"] if value != "false":
            others = f"stamp: {{link: {value}}}\nweb: {{url: https://relay.company.com}}\n"
        case ["stamp", which, "<field>"]:
            others = f"stamp: {{{which}: {{{value}}}}}\n"
        case parts:
            others = "".join(f"{name}: {text}\n" for name, text in _nested(parts, value).items())
    text = f"channels: {{support: {_flow(channel)}}}\n{others}"
    text += f"users: {{anna: {_flow(user)}}}\n" if user else ""
    return text + (f"listen: {_flow(listen)}\n" if listen else "")


def value_in(settings: Settings, key: str) -> object:
    """Return the value of ``key``; of what there are several, that of the first."""
    match key.split("."):
        case ["channels", _, *rest]:
            each = settings.channels[0]
            whose = each if rest[0] in ("forward_to", "helpdesk", "digest_to") else each.channel
            return attrgetter(".".join(map(attribute, rest)))(whose)
        case ["users", _, name]:
            return attrgetter(name)(settings.users[0])
        case ["listen", "smtp[]", name]:
            return attrgetter(name)(settings.listen.smtp[0])
        case parts:
            return attrgetter(".".join(map(attribute, (part for part in parts if part != "<field>"))))(
                settings
            )


def _nested(parts: list[str], value: str) -> dict[str, str]:
    for part in reversed(parts[1:]):
        value = f"{{{part}: {value}}}"
    return {parts[0]: value}


def _flow(pairs: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
