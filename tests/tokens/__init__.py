"""Tests of local token counting."""
