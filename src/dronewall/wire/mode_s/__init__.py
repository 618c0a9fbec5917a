"""Mode S and ADS-B: what aircraft say of themselves, their positions among it. Single messages are read by rs1090."""
