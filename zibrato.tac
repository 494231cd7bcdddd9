"""Run with `twistd -y zibrato.tac`; options as for `twistd zibrato`, in $ZIBRATO_OPTIONS."""

import os
import shlex

from twisted.application.service import Application
from twisted.python.usage import UsageError

from zibrato.service import Options, makeService

options = Options()
application = Application("zibrato")
try:
    options.parseOptions(shlex.split(os.environ.get("ZIBRATO_OPTIONS", "")))
except UsageError as error:
    raise SystemExit(f"zibrato: {error}") from None
except ValueError as error:
    raise SystemExit(f"zibrato: $ZIBRATO_OPTIONS: {error}; write it as for a shell") from None
makeService(options).setServiceParent(application)
