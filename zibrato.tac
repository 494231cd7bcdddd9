"""Run with `twistd -y zibrato.tac`; options as for `twistd zibrato`, in $ZIBRATO_OPTIONS."""

import os
import shlex

from twisted.application.service import Application
from twisted.python.usage import UsageError

from zibrato.service import Options, make_service

options = Options()
application = Application("zibrato")
try:
    options.parseOptions(shlex.split(os.environ.get("ZIBRATO_OPTIONS", "")))
    make_service(options).setServiceParent(application)
except UsageError as error:
    raise SystemExit(f"zibrato: {error}") from None
