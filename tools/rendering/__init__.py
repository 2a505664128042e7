"""Persons of MakeHuman, put together at random and drawn by OpenGL."""

from rendering.character import person
from rendering.makehuman import Assets
from rendering.studio import Studio

__all__ = ["Assets", "Studio", "person"]
