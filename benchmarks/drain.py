"""Print the port of a UDP socket, then read from it and discard the data; run by clients.py."""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as drain:
    drain.bind(("127.0.0.1", 0))
    print(drain.getsockname()[1], flush=True)
    buffer = bytearray(65536)
    while True:
        drain.recv_into(buffer)
