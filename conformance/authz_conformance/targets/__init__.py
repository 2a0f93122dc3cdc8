"""How a target is reached: the ports that the kit needs beyond the protocol, and their drivers."""
