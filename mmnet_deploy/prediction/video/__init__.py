"""Mattes of videos."""
