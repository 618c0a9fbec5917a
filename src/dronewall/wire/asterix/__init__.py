"""ASTERIX: how European radars report. One file per category; blocks are cut before any category is read."""
