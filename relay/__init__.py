"""An SMTP relay and a milter in front of a helpdesk that marks outbound copies, and says why."""
