"""Words of the RFCs, as values.  Pure."""
