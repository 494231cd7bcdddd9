"""The Librato backend, private: mapping, requests, responses, and the search for rejected items."""
