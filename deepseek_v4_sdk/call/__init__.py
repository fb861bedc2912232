"""One call: its attempts, the steps that it is made of, and the drivers that run them."""
