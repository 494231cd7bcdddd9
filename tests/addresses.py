"""Unusual addresses for the daemon's options, and the beginning of the line that reports each."""

from __future__ import annotations

ENDPOINT = "--web: expected a Twisted endpoint such as tcp:5580:interface=127.0.0.1, got "
PORT = "--socket: expected ipc://PATH, tcp://HOST:PORT or inproc://NAME with a port from 1 to 65535"
TEXT = "expected UTF-8 without control characters"

WEB = {
    "tcp": ENDPOINT,
    "tcp:99999": ENDPOINT,
    "tcp:-1:interface=127.0.0.1": ENDPOINT,
    "tcp:5580:bogus=1": ENDPOINT,
    "tcp:0:interface=127.0.0.1:interface=0.0.0.0": ENDPOINT,
    "tcp:٣:interface=127.0.0.1": ENDPOINT,
    "systemd:domain=INET:index=0": ENDPOINT,
    "http://127.0.0.1:5580": ENDPOINT,
    " ": ENDPOINT,
    "tcp:0\0": f"--web: {TEXT}",
    "tcp:0": "--web: tcp:0 can be reached from elsewhere: give --web-credentials FILE",
    "tcp:0:interface=nosuch.invalid": "--web: can't listen at tcp:0:interface=nosuch.invalid: ",
    "tcp:PORT:interface=127.0.0.1": "--web: can't listen at tcp:",
    "unix:/nonexistent/x": "--web: can't listen at unix:/nonexistent/x: No such file",
    "unix:file": "--web: can't listen at unix:file: there is a file; give another",
    f"unix:{'x' * 200}": f"--web: can't listen at unix:{'x' * 200}: ",
}
"""Endpoints for the page of a store, and the beginning of the line that reports each."""

SOCKETS = {
    "": "--socket: expected ipc://PATH, tcp://HOST:PORT or inproc://NAME, with connect: before",
    "5550": "--socket: expected ipc://PATH",
    "TCP://127.0.0.1:*": "--socket: expected ipc://PATH",
    "tcp://127.0.0.1:99999": PORT,
    "tcp://127.0.0.1:-1": PORT,
    "tcp://127.0.0.1:1_0": PORT,
    "tcp://127.0.0.1": PORT,
    "connect:tcp://127.0.0.1:99999": PORT,
    "connect:tcp://127.0.0.1:*": PORT,
    "tcp://127.0.0.1:PORT": "--socket: can't use tcp://127.0.0.1:",
    "tcp://192.0.2.1:5551": "--socket: tcp://192.0.2.1:5551 is beyond loopback, where anybody",
    "tcp://192.0.2.1:5551 --insecure-tcp": "--socket: can't use tcp://192.0.2.1:5551: Cannot",
    "ipc://a\0b": f"--socket: {TEXT}",
    "ipc://\udcff": f"--socket: {TEXT}",
    "ipc:///nonexistent/x": "--socket: can't use ipc:///nonexistent/x: No such file",
    "ipc://file": "--socket: can't use ipc://file: There is a file",
    "ipc://directory": "--socket: can't use ipc://directory: There is a file",
    f"ipc://{'x' * 200}": "--socket: can't use ipc://xxx",
    "ipc://a --socket=ipc://./a": "--socket: ipc://./a is taken by another --socket, under",
    "ipc://a --socket=ipc://HERE/a": "--socket: ipc://",
    "tcp://127.0.0.1:FREE --socket=tcp://localhost:FREE": "--socket: tcp://localhost:",
    "tcp://127.0.0.1:FREE --socket=tcp://*:FREE --insecure-tcp": "--socket: tcp://*:",
}
"""Values of `--socket`, with the same."""

LINES_FROM = (
    "--statsd: expected udp:PORT, tcp:PORT, unix:PATH or unixgram:PATH, with the IP address"
)
STATSD = {
    "": LINES_FROM,
    "8125": LINES_FROM,
    "udp": LINES_FROM,
    "udp:": LINES_FROM,
    "udp:65536": LINES_FROM,
    "udp:٣": LINES_FROM,
    "udp:localhost:8125": LINES_FROM,
    "UDP:8125": LINES_FROM,
    "unix:": LINES_FROM,
    "sctp:8125": LINES_FROM,
    "tcp:PORT": "--statsd: can't use tcp:127.0.0.1:",
    "udp:192.0.2.1:8125": "--statsd: can't use udp:192.0.2.1:8125: Cannot assign",
    "unix:/nonexistent/x": "--statsd: can't use unix:/nonexistent/x: No such file",
    "unix:file": "--statsd: can't use unix:file: There is a file; give another",
    "unixgram:directory": "--statsd: can't use unixgram:directory: There is a file",
    f"unixgram:{'x' * 200}": "--statsd: can't use unixgram:xxx",
    "unix:a --statsd=unixgram:./a": "--statsd: unixgram:./a is taken by another --statsd, under",
    "udp:FREE --statsd=udp:0.0.0.0:FREE": "--statsd: udp:0.0.0.0:",
    "udp:0 --statsd-level=a,b": "--statsd-level: level: expected one of debug",
}
"""Values of `--statsd`, with the same."""
