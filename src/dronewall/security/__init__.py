"""Rules and signatures, people and audit: the room is kept for them.

Until people and TLS exist nothing here is asked for, and therefore nothing but a loopback address is served.
"""
