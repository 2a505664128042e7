"""Packages of Debian, as files."""


def member(name: str, content: bytes) -> bytes:
    """A member of an `ar` archive."""
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n"
    return header.encode() + content + b"\n" * (len(content) % 2)


def debian_file(data: bytes, name: str = "data.tar.xz/") -> bytes:
    """A package's file: the format's version, then its archives."""
    members = [("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), (name, data)]
    return b"!<arch>\n" + b"".join(member(*one) for one in members)
