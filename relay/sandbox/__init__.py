"""The stand-in helpdesk: takes every message that is handed to it, and shows what it got."""
