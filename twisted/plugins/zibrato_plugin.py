"""What twistd finds of Zibrato; nothing here may import a reactor."""

from twisted.application.service import ServiceMaker

from zibrato.backends import BackendMaker, ConfiguredMaker

zibrato = ServiceMaker(
    "Zibrato", "zibrato.service", "Aggregate metrics and ship them to Librato and others", "zibrato"
)

graphite = BackendMaker("graphite", "zibrato.backends.graphite.backend")
librato = ConfiguredMaker(
    "librato", "zibrato.backends.librato.backend", "zibrato.backends.librato.options"
)
log = BackendMaker("log", "zibrato.backends.log")
memory = BackendMaker("memory", "zibrato.backends.memory")
otlp = BackendMaker(
    "otlp",
    "zibrato.backends.otlp.backend",
    secrets=("headers", "proxy"),
    reloaded=("url", "headers"),
    extra="otlp",
)
prometheus = BackendMaker("prometheus", "zibrato.backends.prometheus.backend")
statsd = BackendMaker("statsd", "zibrato.backends.statsd.backend")
remote_write = BackendMaker(
    "remote_write",
    "zibrato.backends.remote_write.backend",
    secrets=("headers", "proxy"),
    reloaded=("url", "headers"),
    extra="remote-write",
)
store = ConfiguredMaker("store", "zibrato.store.backend", "zibrato.store.options", is_default=True)
hub = BackendMaker("zibrato", "zibrato.backends.hub.backend", reloaded=("curve",))
