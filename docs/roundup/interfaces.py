"""Roundup: resolve a new issue whose message helpdesk-relay stamped auto-closed.

Put this file into the tracker's home, or these two classes into the interfaces.py that is there.
"""

from roundup import mailgw


class ParsedMessage(mailgw.parsedMessage):
    """A message whose header section is looked at, too."""

    def get_props(self) -> None:
        """Set the status of a new issue before it is made."""
        super().get_props()
        status = self.message.get_header("X-Ticket-Status") or ""
        if self.classname == "issue" and not self.nodeid and status.strip().lower() == "auto-closed":
            self.props["status"] = self.db.status.lookup("resolved")


class MailGW(mailgw.MailGW):
    """The mail gateway that Roundup takes instead of its own."""

    parsed_message_class = ParsedMessage
