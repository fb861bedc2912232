"""The known models and what their tokens cost: dated tables."""
