"""A server of files, through whatever proxy the environment names: its answer, or what is wrong.

The standard library's client takes proxies from the usual variables (HTTPS_PROXY, HTTP_PROXY,
NO_PROXY). No message holds a password.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

from mmnet_deploy.engines.releases import URL_VARIABLE, without_password
from mmnet_deploy.errors import DownloadError
from mmnet_deploy.files import reason
from mmnet_deploy.version import __version__

TIMEOUT_S = 30.0
"""How long a server may say nothing."""


class UnreachableError(DownloadError):
    """The server, or the proxy, gives no file: a person has to get it in another way."""


class NotThereError(DownloadError):
    """The server has no such file."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """As the standard ones, except that no redirection leads away from encryption."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.URLError("it redirects to an address without encryption")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextlib.contextmanager
def opened(
    address: str, name: str, have: int = 0, validator: str = ""
) -> Iterator[http.client.HTTPResponse]:
    """The server's answer, from byte `have` on if the file is still that of the validator.

    Args:
        address: May hold a user and a password, which are sent to that server only.
        name: What is asked for, for messages.

    Raises:
        UnreachableError, NotThereError: There is none, or another than the file.
    """
    request = _request(address)
    if have and validator:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", validator)
    opener = urllib.request.build_opener(_Redirects)
    try:
        answer = opener.open(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:
            # The file is shorter now than what is here: it is another one.
            with opened(address, name) as whole:
                yield whole
            return
        raise _refused(without_password(address), name, error.code, str(error.reason)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError(
            f"Cannot reach {without_password(address)}{via(address)} for {name}: {_why(error)}"
        ) from error
    with answer:
        yield answer


def _request(address: str) -> urllib.request.Request:
    parts = urllib.parse.urlsplit(address)
    request = urllib.request.Request(
        without_password(address),
        headers={"User-Agent": f"mmnet-deploy/{__version__}"},
    )
    if parts.username:
        words = f"{parts.username}:{parts.password or ''}"
        token = base64.b64encode(urllib.parse.unquote(words).encode()).decode()
        # Not sent on to where the server redirects.
        request.add_unredirected_header("Authorization", f"Basic {token}")
    return request


def via(address: str) -> str:
    """The proxy that is used, for messages."""
    parts = urllib.parse.urlsplit(address)
    proxy = urllib.request.getproxies().get(parts.scheme, "")
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return ""
    host = proxy.rpartition("@")[2] or proxy
    return f" through the proxy {host.removeprefix('http://').rstrip('/')}"


def _why(error: Exception) -> str:
    """What an error of the network means, in words, with what helps."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({cause.verify_message}): `SSL_CERT_FILE` can name "
            "the certificates of your company"
        )
    if isinstance(cause, ssl.SSLError):
        return (
            "what answers there does not encrypt as it should "
            f"({(cause.reason or 'unknown').replace('_', ' ').lower()}): is it http:// in place of "
            "https://, or a proxy that answers itself?"
        )
    if isinstance(cause, http.client.BadStatusLine) and not isinstance(cause, ConnectionError):
        return "what answers there does not speak HTTP"
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s"
    if isinstance(cause, socket.gaierror):
        return f"its name is not found ({cause.strerror})"
    if isinstance(cause, ValueError):  # Its words may hold a password.
        return "the address, or that of the proxy, is none"
    words = reason(cause) if isinstance(cause, OSError) else str(cause)
    if "407" in words:
        return _NEEDS_USER
    return " ".join(words.split())[:200] or type(cause).__name__


_NEEDS_USER = (
    "the proxy wants a user and a password (407): give them in `HTTPS_PROXY`, as in "
    "http://USER:PASSWORD@HOST:PORT"
)


def _refused(address: str, name: str, code: int, words: str) -> DownloadError:
    """The error that the code of an answer stands for."""
    if code in (404, 410):
        return NotThereError(f"There is no {name} at {address} (HTTP {code})")
    if code == 403:  # Some servers do not tell what is missing from what is forbidden.
        return NotThereError(
            f"There is no {name} at {address}{via(address)}, or it may not be read (HTTP 403)"
        )
    if code == 407:
        return UnreachableError(f"Cannot reach {address}{via(address)} for {name}: {_NEEDS_USER}")
    if code == 401:
        return UnreachableError(
            f"{address} wants a user and a password for {name} (HTTP 401): give the right ones in "
            f"`{URL_VARIABLE}`, as in https://USER:PASSWORD@HOST"
        )
    if 300 <= code < 400:  # Those that lead to another address are followed.
        return UnreachableError(
            f"{address}{via(address)} leads from address to address, and never to {name} "
            f"(HTTP {code})"
        )
    said = f"HTTP {code} {' '.join(words.split())[:100]}".rstrip()
    return UnreachableError(f"{address}{via(address)} does not give {name} ({said})")


def not_the_file(address: str, name: str, fault: str) -> UnreachableError:
    """The error of an answer with something else."""
    return UnreachableError(
        f"{address}{via(address)} answered with something else than {name}: {fault}"
    )
