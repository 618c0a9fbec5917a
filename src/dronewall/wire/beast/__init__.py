"""Beast: the binary stream of Mode S receivers, `0x1a` type ticks signal message."""
