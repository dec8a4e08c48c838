"""The memory that answers "why": one entry for each judged message, off the mail path, never its content."""
