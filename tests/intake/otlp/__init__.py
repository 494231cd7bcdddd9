"""Tests of what takes metrics of OpenTelemetry in."""
