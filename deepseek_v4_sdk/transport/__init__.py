"""Bytes only: transports, their connections, and the clock."""
