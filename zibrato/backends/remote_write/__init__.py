"""Ships running totals by the remote write protocol that Prometheus and others take."""
