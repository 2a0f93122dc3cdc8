"""The reference client of the Kensium Authorization server: acquire, keep, verify and remove a POS server's license."""
