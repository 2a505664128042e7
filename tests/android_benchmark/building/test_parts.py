"""Libraries out of Debian's packages: by their hashes, installed or from the package's file."""

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark.building import BuildError, parts
from android_benchmark.building.parts import DebianPackage, sha256
from tests.support.debian import debian_file

LIBRARY = b"the library"


def archive(content: bytes = LIBRARY) -> bytes:
    """The files of a package: a library, and its usual name as a link to it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:xz") as tar:
        real = tarfile.TarInfo("./usr/aarch64-linux-gnu/lib/libone.so.1.0")
        real.size = len(content)
        tar.addfile(real, io.BytesIO(content))
        link = tarfile.TarInfo("./usr/aarch64-linux-gnu/lib/libone.so.1")
        link.type, link.linkname = tarfile.SYMTYPE, "libone.so.1.0"
        tar.addfile(link)
    return packed.getvalue()


def package(file: bytes) -> DebianPackage:
    """A package that is known by this content, with one library."""
    known = {"libone.so.1": sha256(LIBRARY)}
    return DebianPackage("one.deb", "pool/one.deb", sha256(file), len(file), known)


def test_a_library_is_taken_out_of_a_package(tmp_path):
    """Also where its name is a link within the package."""
    content = debian_file(archive())
    (tmp_path / "one.deb").write_bytes(content)
    found = parts.unpacked(package(content), tmp_path / "one.deb")
    assert found == {"libone.so.1": LIBRARY}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no package of Debian"),
        (b"!<arch>\n", "no package of Debian"),
        (debian_file(archive(), "data.tar.gz"), "no package of Debian"),
        (debian_file(b"no archive"), "Cannot unpack"),
        (debian_file(archive()[:-80]), "Cannot unpack"),
        (debian_file(archive(b"another")), "does not hold the libone.so.1 that was expected"),
    ],
)
def test_what_is_no_such_package_is_refused(tmp_path, content, told):
    """Each is one clear error."""
    (tmp_path / "one.deb").write_bytes(content)
    with pytest.raises(BuildError, match=told):
        parts.unpacked(package(content), tmp_path / "one.deb")


@given(st.binary(max_size=20), st.binary(min_size=10, max_size=10), st.binary(max_size=200))
def test_any_bytes_are_a_package_or_an_error(tmp_path_factory, name, size, rest):
    """No content leads to another error."""
    content = b"!<arch>\n" + name.ljust(48)[:48] + size + b"`\n" + rest
    file = tmp_path_factory.mktemp("any") / "one.deb"
    file.write_bytes(content)
    with pytest.raises(BuildError):
        parts.unpacked(package(content), file)


def test_another_file_of_that_name_is_not_unpacked(tmp_path):
    """The hash of the whole file comes first."""
    (tmp_path / "one.deb").write_bytes(debian_file(archive()) + b"\n")
    with pytest.raises(BuildError, match="is not the file that was expected"):
        parts.unpacked(package(debian_file(archive())), tmp_path / "one.deb")


def test_installed_libraries_are_taken_by_their_hash(tmp_path, monkeypatch):
    """Those of another release of Debian are not."""
    monkeypatch.setattr(parts, "INSTALLED", tmp_path)
    one = package(b"")
    assert parts.installed(one) is None
    (tmp_path / "libone.so.1").write_bytes(b"of another release")
    assert parts.installed(one) is None
    (tmp_path / "libone.so.1").write_bytes(LIBRARY)
    assert parts.installed(one) == {"libone.so.1": LIBRARY}
