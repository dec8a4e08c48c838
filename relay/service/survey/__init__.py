"""What ``check --dns`` finds out: whether DNS and the servers around us are as channels.yaml needs them."""
