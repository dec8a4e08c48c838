"""Read channels.yaml: all problems at once, each with its line.  The only importer of yaml."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from relay.errors import BadSettingsError, Problem, UnreadableFileError
from relay.settings import nodes
from relay.settings.checks import contradictions, missing_for_serving, state_around
from relay.settings.composing import Composer, MalformedError
from relay.settings.model import Settings
from relay.settings.nodes import Block, Node, Scalar, line_of
from relay.settings.reading import Place, Reading, attempt
from relay.settings.schema import HOMES, SCHEMA
from relay.settings.wording import dotted, shown

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser written in C is ten times as fast; it may be missing."""
_NO_CHARACTER = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {"!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:str"}
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "bool", "null", "float")}


def read_settings(path: Path, environ: Mapping[str, str], *, serving: bool = False) -> Settings:
    """Read the file at ``path``; ``serving`` demands also what only a relay that serves needs.

    Raises UnreadableFileError where the file is missing or cannot be opened, BadSettingsError with all problems.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise UnreadableFileError(f"{str(path)!a} is no name of a file") from error
    return parse_settings(text, str(path), path.absolute().parent, environ, serving=serving)


def parse_settings(
    text: str | bytes, file: str, folder: Path, environ: Mapping[str, str], *, serving: bool = False
) -> Settings:
    """Read ``text``; relative paths in it are beside ``folder``, and problems name ``file``.

    Raises BadSettingsError with all problems.
    """
    try:
        composer = _composed(_decoded(text))
        root = _top(composer.root)
    except MalformedError as malformed:
        raise BadSettingsError((Problem(file, malformed.line, "", str(malformed)),)) from malformed
    reading = Reading(environ, str(folder), HOMES, composer.problems)
    settings = _settings(root, reading)
    broken = {path for path, _, _ in reading.problems}
    found = [*state_around(settings, reading.folder), *contradictions(settings, broken)]
    if serving:
        found += missing_for_serving(settings, broken, _is_file)
    if found or reading.problems:
        raise BadSettingsError(tuple(_problems(root, reading, found, file)))
    return settings


def _top(root: Node | None) -> Block:
    if root is None or nodes.is_null(root):
        raise MalformedError("the file is empty; it needs at least channels", 0)
    if not isinstance(root, Block):
        raise MalformedError("the file must begin with keys, such as version: 1 and channels:", root.line)
    return root


def _settings(root: Block, reading: Reading) -> Settings:
    """Make the settings; what is bad is reported and left at its default, so that the rest is checked too."""
    top = Place(reading, (), root.line)
    found: dict[str, Any] = attempt(SCHEMA, root, top)
    if "channels" not in root.entries:
        top.below("channels", root.line).report(
            'the key "channels" is missing; name the mailboxes of your helpdesk'
        )
    found.pop("version", None)
    return Settings(**{"channels": (), "state": str(Path(reading.folder, "var")), **found})


def _problems(
    root: Node, reading: Reading, found: list[tuple[nodes.Path, str]], file: str
) -> Iterator[Problem]:
    """Yield every problem, in the order of the file."""
    told = list(reading.problems)
    for path, words in found:
        where = _written(path, reading)
        told.append((where, line_of(root, where), words))
    for where, line, words in sorted(told, key=lambda each: each[1]):
        yield Problem(file, line, dotted(where), words)


def _written(path: nodes.Path, reading: Reading) -> nodes.Path:
    """Return ``path`` with the positions that items have in the file, bad ones counted."""
    where: nodes.Path = ()
    for part in path:
        kept = reading.kept.get(where)
        where = (*where, kept[part] if kept is not None and isinstance(part, int) else part)
    return where


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:
        return False


def _decoded(text: str | bytes) -> str:
    try:
        text = (text.decode() if isinstance(text, bytes) else text).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise MalformedError("the file is not UTF-8 from here on; save it as UTF-8", line) from None
    if strange := _NO_CHARACTER.search(text):
        line = text.count("\n", 0, strange.start()) + 1
        raise MalformedError(f"the character {strange[0]!a} may not stand in YAML; take it out", line)
    return text


def _composed(text: str, loader: Any = _LOADER) -> Composer:
    composer = Composer()
    try:
        for event in yaml.parse(text, Loader=loader):
            if tell := _TELL.get(type(event)):
                tell(composer, event)
    except yaml.MarkedYAMLError as error:
        raise _malformed(error, text) from None
    except yaml.YAMLError as error:
        raise MalformedError(f"that is no YAML: {error}", 0) from None
    return composer


def _scalar(composer: Composer, event: yaml.ScalarEvent) -> None:
    plain = event.implicit[0]
    if event.tag:
        plain = event.tag in _PLAIN_TAGS
        _check_tag(composer, event.tag, _line(event))
    composer.scalar(Scalar(event.value, _line(event), plain), event.anchor)


def _begin(composer: Composer, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
    if event.tag:
        _check_tag(composer, event.tag, _line(event))
    composer.begin(_line(event), event.anchor, listing=isinstance(event, yaml.SequenceStartEvent))


def _end(composer: Composer, _: yaml.CollectionEndEvent) -> None:
    composer.end()


def _alias(composer: Composer, event: yaml.AliasEvent) -> None:
    composer.alias(event.anchor or "", _line(event))


def _document(composer: Composer, event: yaml.DocumentStartEvent) -> None:
    if composer.root is not None:
        raise MalformedError("a second document begins here; write one, without ---", _line(event))


_TELL: dict[type[yaml.Event], Callable[[Composer, Any], None]] = {
    yaml.ScalarEvent: _scalar,
    yaml.MappingStartEvent: _begin,
    yaml.SequenceStartEvent: _begin,
    yaml.MappingEndEvent: _end,
    yaml.SequenceEndEvent: _end,
    yaml.AliasEvent: _alias,
    yaml.DocumentStartEvent: _document,
}


def _check_tag(composer: Composer, tag: str, line: int) -> None:
    if tag not in _TAGS and tag not in _PLAIN_TAGS:
        composer.report(line, f"the tag {shown(tag)} means nothing here; take it out")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0


def _malformed(error: yaml.MarkedYAMLError, text: str) -> MalformedError:
    """Say what the parser says, with the line, and what is mostly behind it."""
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    lines = text.splitlines()
    here = lines[line - 1] if 0 < line <= len(lines) else ""
    said = error.problem or error.context or "something is wrong"
    if error.context_mark and error.context_mark.line + 1 != line:
        said += f" ({error.context}, line {error.context_mark.line + 1})"
    return MalformedError(f"that is no YAML: {said}; {_hint(said, here)}", min(line, len(lines)))


def _hint(said: str, here: str) -> str:
    if "\t" in here[: len(here) - len(here.lstrip())]:
        return "indent with blanks, never with tabs"
    if "mapping values are not allowed" in said:
        return "put a value in quotes if a colon and a blank stand in it, and check the indentation"
    if "cannot start any token" in said:
        return "put a value in quotes if it begins with @, ` or %"
    return "check quotes, brackets and indentation here and just above"
