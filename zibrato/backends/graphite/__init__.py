"""The Graphite backend, private: paths, data points, their two encodings, the connection."""
