"""What the pages say, one table for each language.  Pure."""

from relay.judge.explain import Language
from relay.web.texts import de, en

TEXTS: dict[Language, dict[str, str]] = {Language.EN: en.TEXTS, Language.DE: de.TEXTS}


def text(language: Language, key: str, /, **values: object) -> str:
    """Return a text with its values filled in; KeyError if there is none."""
    found = TEXTS[language][key]
    return found.format(**values) if values else found
