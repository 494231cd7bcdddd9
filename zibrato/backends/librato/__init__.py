"""The Librato backend, private: mapping, requests, responses, the search for what is rejected."""
