"""The known models and the prices of their tokens: dated tables."""
