"""Ships running totals with the remote write protocol, which Prometheus and others accept."""
