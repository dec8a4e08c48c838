"""``.ci/run`` fails where any of its steps does, and says so in its last line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
_MAKE = """\
#!/bin/sh
echo "== $1"
case $1 in
check) exit ${CHECK:-0};;
test) echo "${TEST:-70 passed in 61.00s (0:01:01)}"; exit ${TEST_CODE:-0};;
test-peers) [ -z "$FORCE_COLOR" ] || [ "$PY_COLORS" = 0 ] || bold=$(printf '\\033[1m')
    echo "$bold${PEERS:-7 passed in 1.00s}";;
esac
"""


@pytest.mark.parametrize(
    ("world", "last"),
    [
        ({}, "77 passed, 0 failed"),
        ({"COVERAGE": "2"}, "77 passed, 1 failed"),
        ({"CHECK": "1"}, "77 passed, 1 failed"),
        ({"TEST": "2 failed, 68 passed, 1 error in 9.50s", "TEST_CODE": "2"}, "75 passed, 3 failed"),
        ({"TEST": "no tests ran in 0.01s", "TEST_CODE": "5"}, "7 passed, 1 failed"),
        ({"TEST": "INTERNALERROR> boom", "TEST_CODE": "3"}, "7 passed, 1 failed"),
        ({"PEERS": "5 passed, 2 skipped in 1.00s"}, "75 passed, 2 failed"),
        ({"PEERS": "5 passed, 2 skipped in 1.00s", "FORCE_COLOR": "1"}, "75 passed, 2 failed"),
    ],
)
def test_no_failure_is_hidden(tmp_path: Path, world: dict[str, str], last: str) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy(TOP / ".ci/run", tmp_path / ".ci/run")
    for name, text in (
        ("bin/make", _MAKE),
        (".venv/bin/coverage", '#!/bin/sh\necho "TOTAL 50%"\nexit ${COVERAGE:-0}\n'),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        [tmp_path / ".ci/run"],
        env={"PATH": path, "TMPDIR": str(tmp_path), **world},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.stdout.splitlines()[-1] == last
    assert (done.returncode == 0) == last.endswith(" 0 failed")
