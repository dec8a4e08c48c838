"""Which tool may have sent a message: a hint for people, from fields that anybody can write; decides nothing.  Pure."""

from relay.mail.encoded_words import decoded
from relay.mail.fields import text_of, unfold
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
    b"x-pm-message-id": "Postmark",
    b"x-mj-mid": "Mailjet",
    b"x-mailin-eid": "Brevo",
    b"x-msys-api": "SparkPost",
    b"x-sfdc-user": "Salesforce",
    b"x-shopify-shop": "Shopify",
    b"x-php-originating-script": "a PHP script",
}


def tool_of(label: Label) -> str:
    """Return the program or the service that a message names, else the domain of its Message-ID, else nothing."""
    fields = dict(label.tool_fields)
    programs = [text for name in _PROGRAM_FIELDS if name in fields and (text := _text(fields[name]))]
    services = [service for name, service in _SERVICES.items() if name in fields]
    if programs or services:
        return ", ".join([*programs[:1], *services[:1]])
    _, at, domain = _text(label.message_id).rpartition("@")
    return domain.removesuffix(">").lower() if at else ""


def _text(value: bytes) -> str:
    return decoded(text_of(unfold(value)))[:_LONGEST]
