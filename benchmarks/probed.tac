"""What `twistd -y` loads for ingest.py: like zibrato.tac, with a probe."""

from benchmarks.probe import application as probed

application = probed()
