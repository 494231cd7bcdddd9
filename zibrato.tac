"""Run with `twistd -y zibrato.tac`; options as for `twistd zibrato`, in $ZIBRATO_OPTIONS."""

import os
import shlex

from twisted.application.service import Application

from zibrato.service import Options, make_service

options = Options()
options.parseOptions(shlex.split(os.environ.get("ZIBRATO_OPTIONS", "")))
application = Application("zibrato")
make_service(options).setServiceParent(application)
