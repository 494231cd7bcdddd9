"""Programs that the tests run as processes; each takes its socket from $ZIBRATO_SOCKET."""
