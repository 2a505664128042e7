"""Damaged inputs in large numbers: each must end in a result or in one of the project's errors.

A module `KIND.py` makes the inputs; `test_KIND.py` tries a few, `tools/campaign.py` many.
"""
