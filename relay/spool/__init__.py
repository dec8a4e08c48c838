"""Accepted mail waits here until it is delivered, failed or held."""
