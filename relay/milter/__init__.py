"""Mail beside an MTA: the server side of the milter protocol, versions 2 to 6."""
