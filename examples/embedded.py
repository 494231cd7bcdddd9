"""A Twisted application that measures itself, with the whole daemon in its own service tree.

    twistd -n -y examples/embedded.py

Client and daemon share the process: measurements go over inproc://, and leave the process only
aggregated. In this example they go to standard output.
"""

import os

from twisted.application.internet import TimerService
from twisted.application.service import Application

from zibrato import Zibrato
from zibrato.service import Options, make_service

z = Zibrato("inproc://metrics")


@z.time_me(name="app.work_timer")
@z.count_me(name="app.work")
def work() -> int:
    """Do what the application is for."""
    return sum(range(1000))


options = Options()
options.parseOptions(
    [
        "--socket=inproc://metrics",
        "--backend=log",
        f"--flush-interval={os.environ.get('INTERVAL', '10')}",
    ]
)
application = Application("embedded")
make_service(options).setServiceParent(application)
TimerService(0.1, work).setServiceParent(application)
