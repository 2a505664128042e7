"""Files: written whole or not at all, and read only where they are regular files."""

from mmnet_deploy.files.lock import FolderInUseError, is_empty, locked
from mmnet_deploy.files.regular import NotRegularError, read_regular
from mmnet_deploy.files.whole import (
    check_folder,
    folder_aside,
    make_folder,
    reason,
    sha256,
    write_bytes,
    write_text,
    written_aside,
)

__all__ = [
    "FolderInUseError",
    "NotRegularError",
    "check_folder",
    "folder_aside",
    "is_empty",
    "locked",
    "make_folder",
    "read_regular",
    "reason",
    "sha256",
    "write_bytes",
    "write_text",
    "written_aside",
]
