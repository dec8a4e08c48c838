"""nginx in front of the web page, with the lines that docs/web.md has for it."""

import contextlib
import re
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from relay.passwords import hash_password
from tests.docs.pages import named
from tests.live import Process, free_port
from tests.peers.postfix import open_folder
from tests.peers.unpacking import unpacked

pytestmark = pytest.mark.peers

(LOCATION,) = [block.text for block in named("docs/web.md").blocks if block.text.startswith("location ")]
PAGE = "127.0.0.1:8025"
NGINX = """\
daemon off; pid {folder}/pid; error_log {folder}/log; user nobody nogroup;
events {{}}
http {{
    access_log off;
    {places}
    server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""
PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
"""What nginx keeps in folders that are not there."""


def channels(smtp: int, web: int, url: str) -> str:
    return f"""\
version: 1
channels: {{support: {{address: support@company.com}}}}
listen: {{smtp: [{{address: "127.0.0.1:{smtp}"}}], web: "127.0.0.1:{web}"}}
deliver: {{helpdesk: sandbox, mode: pass-through}}
web: {{url: "{url}"}}
users: {{anna: {{password: {hash_password("correct horse")!r}, may: [read]}}}}
"""


@contextlib.contextmanager
def proxied(url: str, location: str) -> Iterator[httpx.Client]:
    """A relay, nginx in front of it, and a client that asks nginx."""
    assert PAGE in location
    smtp, web, port = free_port(), free_port(), free_port()
    with open_folder() as folder, Process(folder, channels(smtp, web, url)).running(smtp):
        places = " ".join(f"{name}_temp_path {folder}/{name};" for name in PLACES)
        location = location.replace(PAGE, f"127.0.0.1:{web}")
        (folder / "nginx.conf").write_text(
            NGINX.format(folder=folder, places=places, port=port, location=location)
        )
        program = unpacked("nginx", "nginx") / "usr/sbin/nginx"
        nginx = subprocess.Popen([program, "-e", folder / "log", "-p", folder, "-c", folder / "nginx.conf"])
        try:
            transport = httpx.HTTPTransport(retries=8)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport) as client:
                yield client
        finally:
            nginx.terminate()
            nginx.wait(timeout=20)


def test_behind_nginx_nobody_counts_as_somebody_on_the_machine():
    company = {"Host": "relay.company.com"}
    with proxied("https://relay.company.com", LOCATION) as client:
        assert client.get("/healthz", headers=company).text.strip() == "up"
        turned_away = client.get("/overview", headers=company)
        let_in = client.get("/overview", headers=company, auth=("anna", "correct horse"))
        other_name = client.get("/overview", headers={"Host": "desk.example"})
    assert [turned_away.status_code, let_in.status_code, other_name.status_code] == [401, 200, 421]


def test_without_the_lines_that_say_for_whom_it_asks_everybody_may_read():
    location = re.sub(r"^ *proxy_set_header .*\n", "", LOCATION, flags=re.MULTILINE)
    with proxied("https://relay.company.com", location) as client:
        assert client.get("/overview", headers={"Host": "relay.company.com"}).status_code == 200


def test_below_a_path_every_address_of_the_page_leads_back_through_nginx():
    location = LOCATION.replace("location /", "location /relay/").replace(PAGE, f"{PAGE}/")
    with proxied("https://company.com/relay", location) as client:
        page = client.get("/relay/overview", headers={"Host": "company.com"}, auth=("anna", "correct horse"))
    assert page.status_code == 200
    assert 'href="/relay/search' in page.text
