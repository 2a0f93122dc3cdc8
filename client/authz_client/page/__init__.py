"""The License Management page: the POS server's own, in a browser."""
