"""The rules of the protocol: pure functions over frozen records. No clock, entropy, I/O or framework in here."""
