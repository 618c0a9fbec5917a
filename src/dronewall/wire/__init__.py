"""Codecs between bytes and the model, pure, usable both ways; one file per message or category, its clause cited."""
