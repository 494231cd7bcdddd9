"""Push measurements to a Zibrato daemon as lines of text, with nothing but a ZeroMQ binding.

This is a model for other languages: it needs only a PUSH socket, a string and a send.

    python examples/text_lines.py [ENDPOINT]

A line is level|mtype|name|value[|timestamp[|source]]; docs/reference/protocol.rst has the details.
"""

import sys
import time

import zmq

DEFAULT_ENDPOINT = "tcp://127.0.0.1:5550"


def line(mtype: str, name: str, value: float, level: str = "info") -> str:
    """Return a measurement as a line; a name must hold neither "|" nor a line feed."""
    # If your language formats numbers by locale, make sure that it writes a point, not a comma.
    return f"{level}|{mtype}|{name}|{value}"


def work() -> list[str]:
    """Do something, and return what was measured."""
    lines = []
    for step in range(5):
        begun = time.perf_counter()  # a clock that is never set back
        time.sleep(0.01)
        lines.append(line("timer", "example.step", time.perf_counter() - begun))
        lines.append(line("counter", "example.steps", 1))
        lines.append(line("gauge", "example.left", 4 - step, level="debug"))
    # The two fields at the end are optional: when it was measured, and where.
    lines.append(line("counter", "example.runs", 1) + f"|{time.time():.3f}|example-host")
    return lines


def main() -> None:
    """Push one frame to the endpoint of the command line."""
    endpoint = sys.argv[1] if len(sys.argv) > 1 else DEFAULT_ENDPOINT
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.set(zmq.SNDHWM, 1000)  # at most so many frames wait while the daemon is away
    socket.set(zmq.LINGER, 1000)  # at exit they wait for at most so many milliseconds
    socket.connect(endpoint)  # returns at once, also where there is no daemon yet
    frame = "\n".join(work()).encode()  # one frame of many lines costs less than many frames
    try:
        socket.send(frame, zmq.DONTWAIT)  # never wait for the daemon
    except zmq.Again:
        print("the queue is full: dropped", file=sys.stderr)
    finally:
        socket.close()
        context.term()  # waits until the frames are sent, or LINGER is over


if __name__ == "__main__":
    main()
