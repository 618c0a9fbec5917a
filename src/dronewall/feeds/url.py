"""Feeds are named by URLs, read as those of outlets are."""

from dronewall.engine.urls import Address, FilePath, address_of, scheme_of, settings_of

__all__ = ["Address", "FilePath", "address_of", "scheme_of", "settings_of"]
