"""Mail comes in by SMTP: listeners, sessions, the grammar, the limits.  The only importer of aiosmtpd."""
