"""Makes the vectors, with stock libraries only."""
