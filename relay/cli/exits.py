"""Exit codes (after sysexits.h)."""

DONE = 0
NO = 1
"""The answer is "no": a difference was found, an expectation missed, ``check --dns`` failed."""
USAGE = 64
NOT_AN_ARCHIVE = 65
NO_INPUT = 66
OUR_BUG = 70
TRY_AGAIN = 75
BAD_SETTINGS = 78
INTERRUPTED = 130
