"""channels.yaml: what an operator can set, read and checked with every problem at once."""
