"""Recorded exchanges with a server: recording, matching and replaying them."""
