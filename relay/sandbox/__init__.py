"""The stand-in helpdesk: takes every message that is handed to it, and keeps the last of them to be shown."""
