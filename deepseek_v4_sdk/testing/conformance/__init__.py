"""The conformance check of a provider: the laws for its requests, for recorded answers and for refusals."""
