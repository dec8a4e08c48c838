"""What services and programs really stamp is recognised; nothing that anybody writes breaks anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.journal.hints import tool_of
from relay.mail.label import LABEL_FIELDS, Label
from tests.samples import view

BROWSER = "Mozilla/5.0 (Windows NT 10.0; WOW64; rv:68.0) Gecko/20100101"


def hint(*fields: str | bytes) -> str:
    return tool_of(view("From: care@shop.example", *fields).label)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # mail services, by the fields that they set
        (["X-SES-Outgoing: 2024.02.01-54.240.27.38"], "Amazon SES"),
        (["Feedback-ID: ::1.us-west-2.SK64Hb0iaJU5P6aN2hzel1=:AmazonSES"], "Amazon SES"),
        (["Message-ID: <0101-000000@us-west-2.amazonses.com>"], "Amazon SES"),
        (["X-SG-EID: =?us-ascii?Q?TdbjyGyn?=\r\n =?us-ascii?Q?fZek?=", "Message-ID: <86c9@shop.example>"], "SendGrid"),
        (["Message-ID: <xoCDMkObTIqg0DV0S8D-HQ@geopod-ismtpd-2-2>"], "SendGrid"),
        (["X-Mailgun-Sid: WyI0MWYwYSIsICJs"], "Mailgun"),
        (["X-Mandrill-User: md_30504962", "Feedback-ID: 30504962:30504962.20260409:md"], "Mandrill"),
        (["X-MC-User: 2847aeac75bc1f", "Feedback-ID: 146412474:146412474.3551972:us2:mc"], "Mailchimp"),
        (["Message-ID: <28.e3.42@mail150.suw14.mcdlv.net>"], "Mailchimp"),
        (["X-MJ-Mid: AXQAAACMQ5YAAcjIYbYAAM5Eef", "Feedback-Id: 42.1189921.1191387:MJ"], "Mailjet"),
        (["X-Mailin-EID: MjQyODY0MDE0fmdpdEB2"], "Brevo"),
        (["Message-Id: <202510230942.72553680763@smtp-relay.mailin.fr>"], "Brevo"),
        (["Message-ID: <89.B9.09928.6A726BC5@ak.mta2vrest.cc.prd.sparkpost>"], "SparkPost"),
        (["X-SFDC-User: 0058d000002CGqS"], "Salesforce"),
        (["Message-ID: <8YU9R0000@sfdc.net>"], "Salesforce"),
        # two services set a field of the same name
        (["X-PM-Message-Id: f7ead9bc-fe6e-49c1-bb7d-6efd14eb6766"], "Postmark"),
        (["X-Pm-Message-ID: 243c7a256fddd7c3254a3848b7c533d23957cce5"], "Proton Mail"),
        (["X-Pm-Message-ID: 243c7a", "Feedback-ID: 123220910:user:proton"], "Proton Mail"),
        (["Message-Id: <f7ead9bc-fe6e-49c1-bb7d-6efd14eb6766@mtasv.net>"], "Postmark"),
        (["Feedback-ID: i56a14606:Fastmail"], "Fastmail"),
        (["Message-ID: <CAKwvOdk@mail.gmail.com>"], "Gmail"),
        (["Message-ID: <AM0PR@AM0PR01MB.eurprd01.prod.outlook.com>"], "Microsoft 365"),
        # programs, without what differs from message to message
        (["X-Mailer: CRM 9"], "CRM 9"),
        (["X-Mailer: PHPMailer 6.5.0 (https://github.com/PHPMailer/PHPMailer)"], "PHPMailer 6.5.0"),
        (["X-Mailer: MailChimp Mailer - **CID9fd8b70ec9e3616ba718**", "X-MC-User: 2847"], "MailChimp Mailer"),
        (["X-Mailer: Zendesk Mailer", "Message-ID: <L7VK_sprut@zendesk.com>"], "Zendesk Mailer"),
        ([f"User-Agent: {BROWSER} Thunderbird/68.12.1"], "Thunderbird/68.12.1"),
        (["User-Agent: K-9 Mail for Android"], "K-9 Mail for Android"),
        (["X-PHP-Originating-Script: 1056:contact.php"], "PHP script contact.php"),
        (["X-PHP-Originating-Script: contact.php"], "PHP script contact.php"),
        (["X-Mailer: =?utf-8?q?B=C3=BCro?="], "Büro"),
        (["Message-ID: <3ec0e3e4@swift.generated>"], "Swift Mailer"),
        # both
        (["X-Mailer: CRM 9", "X-SG-EID: abc"], "CRM 9, SendGrid"),
        (["X-Mailer: PHPMailer 6.5.0", "Message-ID: <01@eu-west-1.amazonses.com>"], "PHPMailer 6.5.0, Amazon SES"),
        # neither
        (["Message-ID: <4711@CRM.Example>"], "crm.example"),
        (["X-Mailer: ", "Message-ID: <4711@crm.example>"], "crm.example"),
        (["Message-ID: 4711"], ""),
        ([], ""),
        # what only looks like it
        (["Message-ID: <1@notamazonses.com>"], "notamazonses.com"),
        (["Message-ID: <1@geopod-ismtpd-2.evil.example>"], "geopod-ismtpd-2.evil.example"),
        (["Feedback-ID: mc", "Message-ID: <1@crm.example>"], "crm.example"),
        (["Feedback-ID: a:b:mc:crm.example", "Message-ID: <1@crm.example>"], "crm.example"),
    ],
)  # fmt: skip
def test_a_tool_is_known_by_what_it_stamps(fields: list[str], expected: str):
    assert hint(*fields) == expected


def test_two_messages_of_one_campaign_tool_give_the_same_hint():
    one = hint("X-Mailer: MailChimp Mailer - **CID0496c8705c055f47d44c**", "Feedback-ID: 1:1.599473:us11:mc")
    other = hint(
        "X-Mailer: MailChimp Mailer - **CID9fd8b70ec9e3616ba718**", "Feedback-ID: 1:1.3551972:us11:mc"
    )
    assert one == other


def test_a_hint_is_short_whatever_a_message_says():
    assert len(hint(f"X-Mailer: {'x' * 900}", "X-SG-EID: 1")) < 250


NAMES = sorted(LABEL_FIELDS - {b"message-id", b"subject"})
VALUES = st.binary(max_size=80)


@given(VALUES, st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=6))
def test_no_octets_make_it_raise(message_id: bytes, fields: list[tuple[bytes, bytes]]):
    assert isinstance(tool_of(Label(message_id=message_id, tool_fields=tuple(fields))), str)
