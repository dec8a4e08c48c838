"""The composition root: everything is built from settings here, started, reloaded and stopped."""
