"""Where sandboxes keep their records: one port, and what is behind it."""
