"""The two clients, and what both are made of."""
