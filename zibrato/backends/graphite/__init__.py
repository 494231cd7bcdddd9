"""The Graphite backend, private: paths, data points, two encodings, and the connection."""
