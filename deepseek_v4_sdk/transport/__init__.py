"""How bytes travel: steps and the pumps that run them, transports, clock, retries."""
