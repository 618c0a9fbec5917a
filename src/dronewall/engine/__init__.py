"""Journal, links, clock and plugins: what the house stands on. It moves bytes and tables and knows no drones."""
