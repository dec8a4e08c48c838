"""The spool's revisions, oldest first.  One that was released is never changed."""
