"""Shows running totals to whoever scrapes them, in the forms that Prometheus reads."""
