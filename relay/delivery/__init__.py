"""Mail goes out: one connection to one hop, and the connections that are kept."""
