"""A folder for the cache, empty at first, and a web site on this machine that misbehaves."""

import hashlib
import http.server
import threading

import pytest

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        answer = getattr(self, "answer_" + self.path.strip("/").partition(".")[0], None)
        if answer is None:
            self.send_error(404, "Not here")
        else:
            answer()

    def head(self, length, status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": length, **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()

    def answer_good(self):
        content = self.server.files.get(self.path, CONTENT)
        self.head(len(content))
        self.wfile.write(content)

    def answer_altered(self):
        self.head(len(CONTENT))
        self.wfile.write(CONTENT[:-1] + b"!")

    def answer_truncated(self):
        self.head(len(CONTENT))
        self.wfile.write(CONTENT[:1000])

    def answer_short(self):
        self.head(len(CONTENT) - 7)
        self.wfile.write(CONTENT)

    def answer_redirect(self):
        self.head(0, 302, Location="/good")

    def answer_endless(self):
        self.head(0, 302, Location="/endless")

    def answer_local(self):
        self.head(0, 302, Location="file:///etc/hostname")

    def answer_stalled(self):
        self.head(len(CONTENT))
        self.wfile.write(CONTENT[:10])
        self.wfile.flush()
        self.server.released.wait(10)

    def answer_slow(self):
        self.head(len(CONTENT))
        for at in range(0, len(CONTENT), 256):
            self.wfile.write(CONTENT[at : at + 256])
            self.wfile.flush()
            if self.server.released.wait(0.005):
                return

    def log_message(self, *arguments):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that hangs up in the middle is part of these tests."""


class Site:
    """The addresses of the site, what was asked of it, and files it can be given."""

    def __init__(self, server):
        self.server = server
        self.requests = server.requests
        self.url = f"http://127.0.0.1:{server.server_port}"

    def serve(self, name, content):
        """The address at which this content can be had."""
        self.server.files[f"/good.{name}"] = content
        return f"{self.url}/good.{name}"


@pytest.fixture
def site():
    server = _Server(("127.0.0.1", 0), _Handler)
    server.requests, server.files, server.released = [], {}, threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Site(server)
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder that `KERAS_HOME` names."""
    folder = tmp_path / "home"
    monkeypatch.setenv("KERAS_HOME", str(folder))
    return folder


@pytest.fixture
def no_network(monkeypatch):
    """Every connection fails, as on a machine without a network."""
    import urllib.error
    import urllib.request

    def fail(*arguments, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(urllib.request, "urlopen", fail)
