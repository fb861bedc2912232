"""The two clients and their common parts."""
