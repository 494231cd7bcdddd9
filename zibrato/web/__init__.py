"""Private: what a daemon serves over HTTP, and where: the page, scraped backends, OTLP's intake."""
