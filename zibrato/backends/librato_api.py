"""One exchange with a Librato API at a time, from request to verdict."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import RequestNotSent, ResponseFailed
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss

from .. import __version__
from ..interfaces import Postponed
from .librato_replies import Reply, judged
