"""Scores, benchmarks, certificates: everything that measures the wall from outside, with truth in hand."""
