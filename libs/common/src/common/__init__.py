"""What every Fiido Kefu service shares: contracts, events, bus, Redis, chassis."""
