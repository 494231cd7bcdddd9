"""Start a daemon with no account and the demo program beside it; what `make run` runs.

python examples/run.py [--flush-interval 2] [any other option of `twistd zibrato`]
"""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
OTHER = "--web tcp:5581:interface=127.0.0.1"


def main() -> int:
    """Run both until Ctrl-C, then stop them in order, the program first; return the exit status."""
    signals: list[int] = []
    # A shell starts background jobs with Ctrl-C ignored, and children would inherit that.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: signals.append(number))
    with tempfile.TemporaryDirectory(prefix="zibrato-") as directory:
        endpoint = f"ipc://{directory}/socket"
        daemon = [sys.executable, "-m", "zibrato.workers.librato", "--socket", endpoint]
        options = ["--store", f"{directory}/store.sqlite", "--flush-interval", "2", *sys.argv[1:]]
        print("a daemon and a demo program are starting; Ctrl-C ends both", flush=True)
        print("the page is at http://127.0.0.1:5580/ unless --web says otherwise\n", flush=True)
        program = [sys.executable, str(HERE / "demo.py"), endpoint]
        # In sessions of their own: the terminal's Ctrl-C reaches this process only; it stops both.
        with (
            subprocess.Popen([*daemon, *options], start_new_session=True) as worker,
            subprocess.Popen(program, start_new_session=True) as demo,
        ):
            while not signals:
                if worker.poll() is not None:  # it has said why
                    demo.terminate()
                    print(
                        f"give the daemon other options with: {sys.executable} {__file__} {OTHER}"
                    )
                    return worker.returncode or 1
                time.sleep(0.1)
            print("\nstopping", flush=True)
            demo.send_signal(signal.SIGINT)
            demo.wait()
            worker.terminate()
    return 0


if __name__ == "__main__":
    sys.exit(main())
