"""The Librato backend: mapping, requests, responses, and the search for what is refused."""
