"""Private: what a daemon serves over HTTP: the page, scraped backends, and the OTLP intake."""
