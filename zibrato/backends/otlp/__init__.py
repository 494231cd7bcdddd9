"""Ships to whatever takes OTLP over HTTP: the collector, and most services that keep metrics."""
