"""A receiver of webhooks: keeps what was posted, answers as it is told to."""
import http.server
import json
import socketserver
import ssl
import threading
import time


class Delivery:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body, self.at = path, headers, body, time.monotonic()

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.path} {self.body[:200]!r}>"


class Receiver:
    """status: what the next deliveries are answered with, or a function of the Delivery. context: an SSLContext for https."""

    def __init__(self, port=0, status=200, context=None, headers=(), body=b"", hold=None):
        self.status, self.headers, self.body, self.hold = status, list(headers), body, hold
        self.got, self.in_flight, self.most_in_flight = [], 0, 0
        self.lock = threading.Lock()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                with outer.lock:
                    outer.in_flight += 1
                    outer.most_in_flight = max(outer.most_in_flight, outer.in_flight)
                try:
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                    d = Delivery(self.path, self.headers, body)
                    if outer.hold:
                        outer.hold.wait(60)
                    status = outer.status(d) if callable(outer.status) else outer.status
                    with outer.lock:
                        outer.got.append(d)
                        outer.in_flight -= 1
                    self.send_response(status)
                    for name, value in outer.headers:
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(outer.body)))
                    self.end_headers()
                    self.wfile.write(outer.body)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 64

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=True)
        self.scheme = "https" if context else "http"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def url(self, path="/hook", host="127.0.0.1"):
        return f"{self.scheme}://{host}:{self.port}{path}"

    def ids(self):
        return [d.json["id"] for d in list(self.got)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def server_context(certificate, key):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(certificate, key)
    return c
