"""Reads a UDP socket and forgets what it reads; run by clients.py. Prints its port first."""

import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as drain:
    drain.bind(("127.0.0.1", 0))
    print(drain.getsockname()[1], flush=True)
    buffer = bytearray(65536)
    while True:
        drain.recv_into(buffer)
