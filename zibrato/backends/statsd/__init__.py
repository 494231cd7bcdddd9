"""The statsd backend, private: lines, values for distributions, and datagrams."""
