"""Structured answers: asked for, found, checked, and asked for again."""
