"""Adapters for frameworks. Each has its own extra, and importing the package imports none of them."""
