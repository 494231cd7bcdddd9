"""Serves running totals to scrapers, in the formats that Prometheus reads."""
