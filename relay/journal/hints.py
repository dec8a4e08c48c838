"""Which tool may have sent a message: a hint for people, from fields that anybody can write; decides nothing.  Pure.

A hint says the same of every message of one tool, so that messages can be counted by it: numbers of campaigns
and the like are left out.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from relay.mail.encoded_words import decoded
from relay.mail.fields import text_on_one_line
from relay.mail.label import Label

_LONGEST = 200
"""Characters."""
_PROGRAM_FIELDS = (b"x-mailer", b"user-agent")
_SERVICES = {
    b"x-mailgun-sid": "Mailgun",
    b"x-sg-eid": "SendGrid",
    b"x-ses-outgoing": "Amazon SES",
    b"x-mandrill-user": "Mandrill",
    b"x-mc-user": "Mailchimp",
    b"x-mj-mid": "Mailjet",
    b"x-mailin-eid": "Brevo",
    b"x-msys-api": "SparkPost",
    b"x-sfdc-user": "Salesforce",
    b"x-shopify-shop": "Shopify",
}
"""Services by a field that only they set."""
_FEEDBACK = {
    "amazonses": "Amazon SES",
    "md": "Mandrill",
    "mc": "Mailchimp",
    "mj": "Mailjet",
    "proton": "Proton Mail",
    "fastmail": "Fastmail",
}
"""Services by the last part of Feedback-ID, in which each names itself."""
_DOMAINS = {
    "amazonses.com": "Amazon SES",
    "sendgrid.net": "SendGrid",
    "mtasv.net": "Postmark",
    "mailjet.com": "Mailjet",
    "sendinblue.com": "Brevo",
    "mailin.fr": "Brevo",
    "mandrillapp.com": "Mandrill",
    "mcsv.net": "Mailchimp",
    "mcdlv.net": "Mailchimp",
    "rsgsv.net": "Mailchimp",
    "sparkpost": "SparkPost",
    "sparkpostmail.com": "SparkPost",
    "mailgun.org": "Mailgun",
    "sfdc.net": "Salesforce",
    "zendesk.com": "Zendesk",
    "swift.generated": "Swift Mailer",
    "mail.gmail.com": "Gmail",
    "prod.outlook.com": "Microsoft 365",
}
"""Services and programs by the end of a Message-ID's domain."""
_SENDGRID = re.compile(r"geopod-ismtpd-[\d-]+")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WEB_ADDRESS = re.compile(r"[(\[<]https?://[^\s)\]>]*[)\]>]")
_CAMPAIGN = " - **"
"""What stands before the number of a campaign."""
_BROWSER = "Mozilla/"
"""Programs that are made of a browser begin with this, and name themselves last."""


def tool_of(label: Label) -> str:
    """Return the program and the service that a message names, else the domain of its Message-ID, else nothing."""
    domain = _domain(label)
    if not label.tool_fields:
        return _service_of(domain) or domain
    fields = dict(label.tool_fields)
    program = next(_programs(fields), "")
    service = next(_services(fields, domain), "")
    if service and service.lower() in program.lower():
        service = ""
    return ", ".join(filter(None, (program, service))) or domain


def _programs(fields: Mapping[bytes, bytes]) -> Iterator[str]:
    for name in _PROGRAM_FIELDS:
        if name not in fields:
            continue
        program = _WEB_ADDRESS.sub("", _text(fields[name])).partition(_CAMPAIGN)[0].strip()
        if program.startswith(_BROWSER):
            program = program.split()[-1]
        if program:
            yield program
    script = _text(fields.get(b"x-php-originating-script", b"")).rpartition(":")[2].strip()
    if script:
        yield f"PHP script {script}"


def _services(fields: Mapping[bytes, bytes], domain: str) -> Iterator[str]:
    parts = _text(fields.get(b"feedback-id", b"")).lower().split(":")
    if len(parts) > 1 and (service := _FEEDBACK.get(parts[-1].strip())):
        yield service
    yield from (service for name, service in _SERVICES.items() if name in fields)
    if b"x-pm-message-id" in fields:  # both set it: the one in the form of a UUID, the other as 40 digits
        yield "Postmark" if _UUID.fullmatch(_text(fields[b"x-pm-message-id"])) else "Proton Mail"
    if service := _service_of(domain):
        yield service


@lru_cache(1024)
def _service_of(domain: str) -> str:
    """Return the service or program that a Message-ID's domain tells, or nothing."""
    if _SENDGRID.fullmatch(domain):
        return "SendGrid"
    ends = (service for end, service in _DOMAINS.items() if f".{domain}".endswith(f".{end}"))
    return next(ends, "")


def _domain(label: Label) -> str:
    _, at, domain = _text(label.message_id).rpartition("@")
    return domain.removesuffix(">").strip().lower() if at else ""


def _text(value: bytes) -> str:
    return decoded(text_on_one_line(value))[:_LONGEST].strip()
