"""What mkdocs does not do by itself: see mkdocs.yml.

The navigation gets every decision, and links to files outside docs/ lead to copies in the site, so that one link works
both there and on a forge.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

OUTSIDE = "outside"
"""The folder of the site that holds copies of files outside docs/, as text."""
_LINK_UPWARDS = re.compile(r"(?<=\]\()(\.\./[^)#\s]+)")


def on_config(config: MkDocsConfig) -> None:
    """Put the pages of a folder where ``nav`` names the folder."""
    config.nav = [_unfolded(entry, Path(config.docs_dir)) for entry in config.nav or ()]


def _unfolded(entry: Any, docs: Path) -> Any:
    if not isinstance(entry, dict):
        return entry
    ((title, place),) = entry.items()
    if not isinstance(place, str) or not place.endswith("/"):
        return entry
    pages = sorted((docs / place).glob("*.md"), key=lambda page: (page.name != "README.md", page.name))
    return {title: [page.relative_to(docs).as_posix() for page in pages]}


def on_files(files: Files, config: MkDocsConfig) -> None:
    """Copy the files outside docs/ that pages link to."""
    for page in files.documentation_pages():
        for link in _LINK_UPWARDS.findall(page.content_string):
            if (path := _outside(link, page.src_uri)) and _copy(path) not in files.src_uris:
                source = Path(config.docs_dir).parent / path
                if not source.is_file():
                    raise PluginError(f"{page.src_uri}: {link} is no file; the site can copy files alone")
                files.append(File.generated(config, _copy(path), abs_src_path=str(source)))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Let links out of docs/ lead to the copies."""

    def mended(link: re.Match[str]) -> str:
        path = _outside(link[1], page.file.src_uri)
        return posixpath.relpath(_copy(path), posixpath.dirname(page.file.src_uri)) if path else link[1]

    return _LINK_UPWARDS.sub(mended, markdown)


def _outside(link: str, page: str) -> str | None:
    """Return where a link of a page leads, seen from the top of the repository; None: into docs/."""
    target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return None if target.startswith("docs/") else target


def _copy(path: str) -> str:
    return f"{OUTSIDE}/{path}.txt"
