"""An HTML page as a test reads it: its text, its tags, its links, its forms."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx

_VOID = {"meta", "link", "input", "br", "option", "line", "rect"}
_INLINE = {"a", "span", "code", "strong", "em", "time", "ins"}
_HTML = {"accept": "text/html"}


@dataclass
class Form:
    """One form: where it goes, and what it would send untouched."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class Html(HTMLParser):
    """What stands in a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words = ""
        self.links: dict[str, str] = {}
        self.forms: list[Form] = []
        self.ids: list[str] = []
        self.labelled: set[int] = set()
        self._open: list[str] = []
        self._link: str | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.words += "" if tag in _INLINE else " "
        found = {name: value or "" for name, value in attrs}
        self.attributes += [(tag, name, value) for name, value in found.items()]
        if tag not in _VOID:
            self._open.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a":
            self._link = found.get("href", "")
        elif tag == "form":
            self.forms.append(Form(found.get("action", ""), found.get("method", "get")))
        elif tag in ("input", "textarea", "select", "button") and self.forms:
            self._field(tag, found)

    def _field(self, tag: str, found: dict[str, str]) -> None:
        form = self.forms[-1]
        if tag == "button":
            form.buttons.append(found.get("value", ""))
        elif "name" in found and found.get("type") not in ("checkbox", "file"):
            form.fields[found["name"]] = found.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()
        self.words += "" if tag in _INLINE else " "
        if tag == "a":
            self._link = None

    def handle_data(self, text: str) -> None:
        if "script" in self._open or "style" in self._open:
            return
        self.words += text
        if self._link is not None and text.strip():
            self.links[text.strip()] = self._link

    @property
    def text(self) -> str:
        """All words, each blank one character."""
        return " ".join(self.words.split())

    def form(self, action: str) -> Form:
        """The form that goes to ``action``."""
        return next(form for form in self.forms if form.action == action)


async def see(client: httpx.AsyncClient, address: str, code: int = 200, **headers: str) -> Html:
    """Get a page as a browser does."""
    answer = await client.get(address, headers={**_HTML, **headers})
    assert answer.status_code == code, answer.text
    return Html(answer.text)


async def submit(client: httpx.AsyncClient, form: Form, **fields: object) -> httpx.Response:
    """Send a form with some fields filled in, as a browser does."""
    assert form.method == "post"
    return await client.post(form.action, data={**form.fields, **fields}, headers=_HTML)


async def log_in(client: httpx.AsyncClient, name: str, password: str, target: str = "/") -> httpx.Response:
    """Log in by the form."""
    form = (await see(client, f"/login?next={target}")).form("/login")
    return await submit(client, form, name=name, password=password)
