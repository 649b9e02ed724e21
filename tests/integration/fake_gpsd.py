"""A server that behaves as a test says: for what a real gpsd does not do on demand."""
import socket
import threading

BANNER = '{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}\r\n'
DEVICE = "/dev/fake0"
DEVICES = '{"class":"DEVICES","devices":[{"class":"DEVICE","path":"/dev/fake0","driver":"NMEA0183","activated":"2026-11-24T02:55:36.190Z","bps":9600,"cycle":1.00}]}\r\n'
WATCH = '{"class":"WATCH","enable":true,"json":true,"nmea":false,"raw":0,"scaled":false,"timing":false,"split24":false,"pps":false}\r\n'
GREETING = BANNER + DEVICES + WATCH


def tpv(lat, lon=13.4, mode=3, device=DEVICE, more=""):
    return f'{{"class":"TPV","device":"{device}","mode":{mode},"lat":{lat},"lon":{lon}{more}}}\r\n'


class FakeGpsd:
    """Accepts connections and runs `serve(connection)` for each in a thread of its own; the connection is closed after it.
    What clients send is collected in `received`."""

    def __init__(self, serve):
        self.serve = serve
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = 0
        self.received = b""
        self.ended = threading.Event()
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(c)
            threading.Thread(target=self._run, args=(c,), daemon=True).start()

    def _run(self, c):
        try:
            self.serve(Connection(self, c))
        except OSError:
            pass
        finally:
            c.close()

    def stop(self):
        self.ended.set()
        self.listener.close()
        for c in self._open:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Connection:
    def __init__(self, server, sock):
        self.server, self.sock = server, sock

    def send(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode())

    def receive(self, limit=None):
        """What the client sends next; b"" at its end or past the limit."""
        self.sock.settimeout(limit)
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            return b""
        finally:
            self.sock.settimeout(None)
        self.server.received += data
        return data

    def greet(self):
        """As gpsd does: the banner, then the answer to ?WATCH."""
        self.send(BANNER)
        while b"?WATCH" not in self.server.received and self.receive():
            pass
        self.send(DEVICES + WATCH)

    def reset(self):
        """An RST instead of a FIN."""
        import struct
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def wait(self):
        """Until the test ends, reading what comes."""
        while not self.server.ended.is_set() and self.receive():
            pass
