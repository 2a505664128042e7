"""Engines that a user need not look for: published ones, by download into a cache.

`official` gives the files of a published engine, `releases` says which there are, and `cache` is
where all engines are kept.
"""
