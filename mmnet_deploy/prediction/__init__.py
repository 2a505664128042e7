"""Mattes of pictures and videos that have no truth, and what is made of them."""
