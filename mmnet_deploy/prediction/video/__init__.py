"""Mattes of videos.

    reader, camera ─► model ─► smoothing ─► painter ─► writer, folder

`video` runs them beside each other (`threads`); `frames` and `colours` are what they hand on.
"""
