"""One call: its attempts, its steps, and the drivers that run them."""
