"""A simulated Kensium Authorization server: device grant, license tokens, virtual time. A mock, for tests only."""
