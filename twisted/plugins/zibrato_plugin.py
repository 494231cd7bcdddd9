"""What twistd finds of Zibrato; nothing here may import a reactor."""

from twisted.application.service import ServiceMaker

from zibrato.backends import BackendMaker

zibrato = ServiceMaker(
    "Zibrato", "zibrato.service", "Aggregate metrics and ship them to Librato and others", "zibrato"
)

librato = BackendMaker("librato", "zibrato.backends.librato.backend")
log = BackendMaker("log", "zibrato.backends.log")
memory = BackendMaker("memory", "zibrato.backends.memory")
store = BackendMaker("store", "zibrato.store.backend")
