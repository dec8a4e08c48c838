"""What waits, on SQLite or PostgreSQL."""

from relay.spool.store.opening import SpoolPlace
from relay.spool.store.store import LEASE, Store

__all__ = ["LEASE", "SpoolPlace", "Store"]
