"""Old mail judged again: archives and the journal, with the book in force or with another one."""
