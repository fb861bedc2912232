"""Choosing where a request may go and when: replicas, rate limiters, circuit breakers."""
