"""The daemon, private: options, aggregation, outboxes, and what it measures of itself.

What is public of it are `zibrato.service` and `zibrato.interfaces`.
"""
