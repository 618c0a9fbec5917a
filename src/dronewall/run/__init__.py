"""The loop around the pipeline: live in `wall`, again in `replay`; both read the journal alike, in `reader`."""
