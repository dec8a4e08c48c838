"""The replies that a session gives of its own, and their octets.  Pure."""

from functools import lru_cache

from relay.mail.reply import Reply

OK = Reply(250, "2.0.0", "OK")
MAIL_OK = Reply(250, "2.1.0", "OK")
BYE = Reply(221, "2.0.0", "Bye")
GO_AHEAD = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
HELP = Reply(214, "2.0.0", "See RFC 5321")
VRFY = Reply(252, "2.5.0", "Send some mail, then we will see")
START_TLS = Reply(220, "2.0.0", "Ready to start TLS")
AUTH_DONE = Reply(235, "2.7.0", "Authentication successful")

FAULT = Reply(451, "4.3.0", "Something went wrong here, please try again later")
NO_ROOM = Reply(452, "4.3.1", "No room for this message now, please try again later")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients")
AUTH_FAULT = Reply(454, "4.7.0", "Temporary authentication failure")

UNKNOWN_COMMAND = Reply(500, "5.5.2", "Command not recognized")
LINE_TOO_LONG = Reply(500, "5.5.2", "Line too long")
NO_ARGUMENT = Reply(501, "5.5.4", "This command takes no argument")
NEEDS_ARGUMENT = Reply(501, "5.5.4", "This command needs an argument")
BAD_HELO = Reply(501, "5.5.4", "Bad host name")
NOT_OFFERED = Reply(502, "5.5.1", "Command not implemented")
HELO_FIRST = Reply(503, "5.5.1", "Send HELO or EHLO first")
NESTED_MAIL = Reply(503, "5.5.1", "A mail transaction is under way")
MAIL_FIRST = Reply(503, "5.5.1", "Send MAIL first")
RCPT_FIRST = Reply(503, "5.5.1", "Send RCPT first")
NOT_NOW = Reply(503, "5.5.1", "Not during a mail transaction")
ALREADY_TLS = Reply(503, "5.5.1", "TLS is active already")
ALREADY_KNOWN = Reply(503, "5.5.1", "Authenticated already")
UNKNOWN_MECHANISM = Reply(504, "5.5.4", "Unknown authentication mechanism")
TLS_FIRST = Reply(530, "5.7.0", "Must issue a STARTTLS command first")
AUTH_FIRST = Reply(530, "5.7.0", "Authentication required")
AUTH_FAILED = Reply(535, "5.7.8", "User name or password wrong")
AUTH_NEEDS_TLS = Reply(538, "5.7.11", "Encryption required for authentication")
AUTH_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")
BAD_BASE64 = Reply(501, "5.5.2", "That is not base64")
XCLIENT_DENIED = Reply(550, "5.7.0", "You may not say XCLIENT")
TOO_BIG = Reply(552, "5.3.4", "Message too big")
NO_VALID_RECIPIENTS = Reply(554, "5.5.1", "No valid recipients")
BARE_NEWLINES = Reply(554, "5.5.2", "Bare CR or LF in the message; lines end in CRLF (RFC 5321 2.3.8)")
TOO_MANY_HOPS = Reply(554, "5.4.6", "Too many Received fields; this message is going round in circles")

TOO_MANY_CONNECTIONS = Reply(421, "4.7.0", "Too many connections, please try again later")
TOO_MUCH_JUNK = Reply(421, "4.7.0", "Too many errors or idle commands")
TOO_MANY_FAILURES = Reply(421, "4.7.0", "Too many failed authentications")
FAR_TOO_MANY_RECIPIENTS = Reply(421, "4.7.0", "Far too many recipients")
NOT_SMTP = Reply(421, "4.7.0", "This is an SMTP server")
BAD_PROXY_HEADER = Reply(421, "4.7.0", "PROXY header expected")
TIMED_OUT = Reply(421, "4.4.2", "Timed out waiting for you")
TOO_SLOW = Reply(421, "4.4.2", "Data comes too slowly")
STOPPING = Reply(421, "4.3.2", "Shutting down, please try again later")

octets_of = lru_cache(maxsize=512)(Reply.encode)
"""Returns the octets of a reply; the usual ones are encoded once."""


@lru_cache(maxsize=64)
def greeting(hostname: str) -> Reply:
    """Return what a client hears first (RFC 5321 4.2)."""
    return Reply(220, "", f"{hostname} ESMTP")


@lru_cache(maxsize=64)
def hello(hostname: str) -> Reply:
    """Return the reply to HELO."""
    return Reply(250, "", hostname)


@lru_cache(maxsize=64)
def extended_hello(hostname: str, size: int, *, starttls: bool, auth: bool, xclient: bool) -> Reply:
    """Return the reply to EHLO (RFC 5321 4.1.1.1): what works for this client now, and nothing else."""
    lines = [
        hostname,
        "PIPELINING",
        f"SIZE {size}" if size else "SIZE",
        "8BITMIME",
        "SMTPUTF8",
        "ENHANCEDSTATUSCODES",
    ]
    lines.append("DSN")
    if starttls:
        lines.append("STARTTLS")
    if auth:
        lines.append("AUTH PLAIN LOGIN")
    if xclient:
        lines.append("XCLIENT NAME ADDR PORT PROTO HELO LOGIN")
    return Reply(250, "", "\n".join(lines))
