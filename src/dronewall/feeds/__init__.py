"""Bytes become plots here, and only here: each feed has a pure half that decodes and a thin live half that listens."""
