"""Captures: datagrams as somebody recorded them off a network, with the instants they were heard."""
