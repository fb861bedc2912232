"""Files, forks and redaction: what every other package may use."""
