"""The OTLP intake: metrics of OpenTelemetry's SDKs and collector over HTTP."""
