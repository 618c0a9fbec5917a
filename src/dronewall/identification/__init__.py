"""Identification: who each track is, with the reasons. Claims are evidence, never proof; nothing here says HOSTILE."""
