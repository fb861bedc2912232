"""Fakes and helpers that the tests of several folders share."""
