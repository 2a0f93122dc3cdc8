"""A simulated Kensium Authorization server: device grant, license tokens, virtual time. A mock, for tests only."""

__version__ = "0.1.0"
