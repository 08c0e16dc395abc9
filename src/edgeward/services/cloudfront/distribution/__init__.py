"""Distributions: defaults, the rules AWS documents, and what this edge does not do yet."""
