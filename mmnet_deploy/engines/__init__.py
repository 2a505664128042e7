"""Engines that a user need not look for: published ones by download, and our own put together.

`official` gives the files of a published engine, `releases` says which there are, `own` makes our
engine and the instruction counter, and `cache` is where all of them are kept.
"""
