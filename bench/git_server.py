"""A git server on loopback: `git http-backend` behind Python's own HTTP server, which counts what passes."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Traffic:
    """Whole HTTP messages in bytes, seen from the client, and when each request came and was answered."""

    requests: int = 0
    up: int = 0
    down: int = 0
    log: list = field(default_factory=list)


class Counting:
    """A reader that counts what is read from it."""

    def __init__(self, inner):
        self.inner = inner
        self.count = 0

    def read(self, size=-1):
        data = self.inner.read(size)
        self.count += len(data)
        return data

    def readline(self, size=-1):
        data = self.inner.readline(size)
        self.count += len(data)
        return data

    def __getattr__(self, name):
        return getattr(self.inner, name)


class Handler(BaseHTTPRequestHandler):
    """Hands each request to `git http-backend` as CGI (git-http-backend(1))."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.rfile = Counting(self.rfile)

    def do_GET(self):
        self.serve()

    def do_POST(self):
        self.serve()

    def serve(self):
        """Answers one request."""
        came = time.perf_counter()
        body = self.body()
        path, _, query = self.path.partition("?")
        if path.endswith("/git-receive-pack") and self.server.before_push:
            self.server.before_push()
        # It fails when it refuses what is asked for, and says so in its answer.
        done = subprocess.run(
            ["git", "http-backend"],
            check=False,
            input=body,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={
                "PATH": os.environ["PATH"],
                "GIT_PROJECT_ROOT": str(self.server.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "REMOTE_ADDR": self.client_address[0],
            },
        )
        answer = self.answer(done.stdout)
        self.wfile.write(answer)
        self.server.count(self.rfile.count, len(answer), (path, came, time.perf_counter()))
        self.rfile.count = 0

    def body(self):
        """Reads the request's body, chunked or not."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def answer(self, cgi):
        """Makes an HTTP answer of a CGI one."""
        head, _, body = cgi.partition(b"\r\n\r\n")
        status, headers = b"200 OK", []
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"status:"):
                status = line.split(b":", 1)[1].strip()
            else:
                headers.append(line)
        headers.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join([b"HTTP/1.1 " + status, *headers, b"", body])

    def log_message(self, *_):
        """Says nothing."""


class GitServer(ThreadingHTTPServer):
    """Serves the repositories under a folder, as `with GitServer(root) as server:`."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, root):
        super().__init__(("127.0.0.1", 0), Handler)
        self.root = root
        # Called before git gets a push.
        self.before_push = None
        self.lock = threading.Lock()
        self.traffic = Traffic()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def url(self, name, port=None):
        """Returns the address of a repository, behind another port if one is given."""
        return f"http://127.0.0.1:{port or self.server_port}/{name}"

    def count(self, up, down, request):
        """Adds one request to the traffic."""
        with self.lock:
            self.traffic.log.append(request)
            self.traffic.requests += 1
            self.traffic.up += up
            self.traffic.down += down

    def take_traffic(self):
        """Returns the traffic since the last call."""
        with self.lock:
            taken, self.traffic = self.traffic, Traffic()
        return taken

    def handle_error(self, request, client_address):
        """Lets a client hang up without a word; anything else is told."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, BrokenPipeError)):
            super().handle_error(request, client_address)
