"""Ships with OTLP over HTTP, to the OpenTelemetry Collector and most services for metrics."""
