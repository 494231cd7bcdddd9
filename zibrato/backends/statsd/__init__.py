"""The statsd backend, private: lines, how distributions become values, datagrams."""
