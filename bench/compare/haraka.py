"""Haraka from the npm registry, in a folder of its own: forwards by ``queue/smtp_forward``, marks by a plugin of ten lines."""

import shutil
import subprocess
from pathlib import Path

VERSION = "3.3.4"
_CONFIG = {
    "config/smtp.ini": "listen=127.0.0.1:{port}\nnodes=0\n",
    "config/plugins": "mark\nrcpt_to.in_host_list\nqueue/smtp_forward\n",
    "config/host_list": "relay.company.net\n",
    "config/smtp_forward.ini": "host=127.0.0.1\nport={next_hop}\n",
    "config/me": "haraka.example\n",
    "plugins/mark.js": """\
exports.hook_data_post = (next, connection) => {
    const transaction = connection.transaction;
    transaction.remove_header('X-Ticket-Status');
    if (/support@company\\.com/i.test(transaction.header.get('From'))) {
        transaction.add_header('X-Ticket-Status', 'auto-closed');
    }
    next();
};
""",
}


def program(home: Path) -> Path:
    """Return Haraka's program, installed under ``home`` if it is not there yet."""
    found = home / "node_modules" / ".bin" / "haraka"
    if not found.exists():
        if shutil.which("npm") is None:
            raise SystemExit("npm is missing: Haraka cannot be installed; --without haraka leaves it out")
        home.mkdir(parents=True, exist_ok=True)
        npm = ["npm", "install", "--prefix", home, "--no-audit", "--no-fund", "--omit=optional"]
        subprocess.run([*npm, f"Haraka@{VERSION}"], check=True, stdout=subprocess.DEVNULL)
    return found


def configure(home: Path, folder: Path, port: int, next_hop: int) -> None:
    """Write what Haraka goes by into ``folder``, as ``haraka -i`` would; the rest are its defaults."""
    shutil.copytree(home / "node_modules" / "Haraka" / "config", folder / "config")
    for name, text in _CONFIG.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("{port}", str(port)).replace("{next_hop}", str(next_hop)))
