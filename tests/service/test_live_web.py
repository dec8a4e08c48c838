"""The web page of a relay as a process: served wherever ``listen.web`` says, whatever the helpdesk is."""

import json
import smtplib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from relay.passwords import hash_password
from tests.live import TOP, Helpdesk, Process, channels, free_port

PASSWORD = "for this test alone"


def get(port: int, path: str, **fields: str) -> tuple[int, str]:
    """The code and the body."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=fields)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def listening(smtp: int, helpdesk: int, web: str, more: str = "") -> str:
    text = channels(smtp, helpdesk, more)
    return text.replace(f'"127.0.0.1:{smtp}"}}]', f'"127.0.0.1:{smtp}"}}], web: {web}')


def test_a_decision_is_shown_with_what_the_real_helpdesk_said(tmp_path: Path):
    smtp, web = free_port(), free_port()
    with (
        Helpdesk().running() as desk,
        Process(tmp_path, listening(smtp, desk.port, f"127.0.0.1:{web}")).running(smtp),
    ):
        with smtplib.SMTP("127.0.0.1", smtp) as client:
            message = b"From: support@company.com\r\nTo: anna@x.example\r\nMessage-ID: <one@x.example>\r\n\r\nHi\r\n"
            client.sendmail("crm@x.example", ["in@relay.company.net"], message)
        for _ in range(100):
            code, page = get(web, "/decision/one@x.example")
            if code == 200:
                break
            time.sleep(0.05)
        assert "Why was this ticket closed?" in page
        assert "250 2.0.0 ticket 1" in page
        assert get(web, "/queue", accept="text/html")[0] == 404, "in pass-through there is none"
        assert get(web, "/sandbox")[0] == 404
        assert get(web, "/readyz") == (200, "ready\n")
        assert get(web, "/", host="evil.example")[0] == 421
        try_it = json.dumps("Judge it")[1:-1]
        assert try_it in get(web, "/try")[1]


def test_the_page_follows_a_reload(tmp_path: Path):
    smtp, first, second = free_port(), free_port(), free_port()
    with Helpdesk().running() as desk:
        process = Process(tmp_path, listening(smtp, desk.port, f"127.0.0.1:{first}"))
        with process.running(smtp):
            assert get(first, "/healthz") == (200, "up\n")
            process.config.write_text(
                listening(smtp, desk.port, f"127.0.0.1:{second}", "inside: [company.com]\n")
            )
            process.waits_to_say('"reloaded"')
            assert get(second, "/healthz") == (200, "up\n")
            assert "company.com" in get(second, "/channels")[1]
            with pytest.raises(urllib.error.URLError):
                get(first, "/healthz")
            process.config.write_text(listening(smtp, desk.port, "null"))
            process.waits_to_say('"reloaded"', times=2)
            with pytest.raises(urllib.error.URLError):
                get(second, "/healthz")
    assert process.said().count("Traceback") == 0


def test_elsewhere_than_on_loopback_a_login_is_needed(tmp_path: Path):
    smtp, web = free_port(), free_port()
    users = f"users: {{anna: {{password: '{hash_password(PASSWORD)}', may: [read]}}}}\n"
    with (
        Helpdesk().running() as desk,
        Process(tmp_path, listening(smtp, desk.port, f'"0.0.0.0:{web}"', users)).running(smtp),
    ):
        assert get(web, "/overview")[0] == 401
        assert get(web, "/healthz")[0] == 200


def test_a_port_in_use_ends_the_start_with_75(tmp_path: Path):
    smtp = free_port()
    with Helpdesk().running() as desk:
        process = Process(tmp_path, listening(smtp, desk.port, f"127.0.0.1:{desk.port}"))
        assert process.start().wait(20) == 75
    assert "the web page cannot be served" in process.said()


def test_without_the_page_none_of_its_libraries_is_loaded():
    code = "import sys, relay.service.run; print({'starlette', 'uvicorn', 'jinja2', 'python_multipart'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
