"""The site and the public files of a release, for a browser on this machine.

Pages open from the disk too; this is for those whose browser keeps files apart. It hands out what
lies in `public/` and `site/`, listens on the loopback interface alone, and knows no other path.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ingest.problem import Problem

HOST = "127.0.0.1"
START = "site/index.html"
SERVED = ("public", "site")
# A name under which this machine may be asked; another one is a page elsewhere that tries.
NAMES = (HOST, "localhost")


class _Handler(SimpleHTTPRequestHandler):
    """Hands out the files of `public/` and `site/`, and nothing else."""

    def send_head(self):
        """Answer with the file, or with a 404 for whatever is not to be had."""
        host = self.headers.get("Host", "").partition(":")[0]
        if host not in NAMES:
            self.send_error(HTTPStatus.FORBIDDEN)
            return None
        if urlsplit(self.path).path == "/":
            self.send_response(HTTPStatus.FOUND)
            self.send_header("Location", f"/{START}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        found = find(Path(self.directory), self.path)
        if found is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        self.path = "/" + found.relative_to(self.directory).as_posix()
        return super().send_head()

    def translate_path(self, path: str) -> str:
        """Give the file that `send_head` has found: the path is one of ours by now."""
        return str(Path(self.directory, path.lstrip("/")))

    def end_headers(self) -> None:
        """Keep a browser from showing the release of the night before."""
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing of what is asked for."""


def find(release: Path, path: str) -> Path | None:
    """Find the file of `public/` or `site/` that a request's path names; None if there is none.

    The path is decoded once. Whatever is not spelled plainly (`..`, `.`, an empty part, a
    backslash, a zero byte, a percent sign that is left) names nothing, and neither does a link that
    leads out.
    """
    name = unquote(urlsplit(path).path).removeprefix("/")
    if name.endswith("/"):
        name += "index.html"
    is_plain = posixpath.normpath(name) == name and not set(name) & set("\\\0%")
    if not is_plain or name.split("/")[0] not in SERVED:
        return None
    root = os.path.realpath(release / name.split("/")[0])
    found = os.path.realpath(release / name)
    is_inside = found.startswith(root + os.sep) and Path(found).is_file()
    return Path(release, name) if is_inside else None


@contextmanager
def serving(release: Path, port: int = 0) -> Iterator[ThreadingHTTPServer]:
    """Give a server for a release that listens on the loopback interface; port 0 takes a free one.

    Raises Problem if there is no site to show or if the port is taken.
    """
    # Not the link `latest`, which the next night points elsewhere, in the middle of a visit.
    folder = Path(os.path.realpath(release))
    if not (folder / START).is_file():
        raise Problem(f"There is no site in {release} yet: `make run` makes a release with one.")
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise Problem(
            f"Port {port} cannot be had ({error.strerror}): choose another one with --port."
        ) from None
    with server:
        yield server


def address(server: ThreadingHTTPServer) -> str:
    """Give the address of the start page."""
    return f"http://{HOST}:{server.server_address[1]}/{START}"


def serve(release: Path, port: int) -> None:
    """Print the address of a release's start page, and show it until Ctrl-C.

    Raises Problem as `serving` does.
    """
    with serving(release, port) as server:
        print(f"{address(server)}  (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
