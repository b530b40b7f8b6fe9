"""How the vectors are made, with stock libraries only."""
