"""Tests of what is shown to Prometheus."""
