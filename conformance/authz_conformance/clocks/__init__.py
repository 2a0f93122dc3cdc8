"""How a target's time is moved: one port, several drivers, and the proof that a driver reaches its target."""
