"""PyAV, which reads and writes videos by FFmpeg's libraries: loaded when a video is, or never."""

from __future__ import annotations

from types import ModuleType

from mmnet_deploy.errors import MissingDependencyError

INSTALL = "Install with: pip install 'mmnet-deploy[video]'"


def pyav() -> ModuleType:
    """The module `av`, silent.

    Raises:
        MissingDependencyError: It is not installed, or cannot be loaded.
    """
    try:
        import av
    except ModuleNotFoundError as error:
        if error.name != "av":
            raise MissingDependencyError(f"PyAV cannot be loaded: {error}.") from error
        raise MissingDependencyError(f"Videos need PyAV. {INSTALL}") from error
    except ImportError as error:
        raise MissingDependencyError(f"PyAV cannot be loaded: {error}. {INSTALL}") from error
    # What FFmpeg prints of a damaged file is said in our own words.
    av.logging.set_level(None)
    av.logging.set_libav_level(av.logging.PANIC)
    return av


def words(error: Exception) -> str:
    """FFmpeg's own words for an error, without number and path."""
    return str(getattr(error, "strerror", None) or error).rstrip(".")
