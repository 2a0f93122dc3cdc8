"""What the server does, one function for each thing: load, decide, commit; then sign. Knows nothing of HTTP."""
