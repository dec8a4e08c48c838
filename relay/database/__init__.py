"""What spool and journal share: engines, a writer with group commit, and schemas that are upgraded in place."""
