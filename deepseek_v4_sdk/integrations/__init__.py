"""Adapters for the frameworks that people have. Each is imported by its user only, and needs an extra of its own."""
