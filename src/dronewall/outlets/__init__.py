"""Pictures out. Outlets know the model and the wires, never a stage; no outlet knows another."""
