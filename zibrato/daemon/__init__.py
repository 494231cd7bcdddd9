"""The daemon: options, aggregation, outboxes and self-metrics. The package is private.

The public modules of the daemon are `zibrato.service` and `zibrato.interfaces`.
"""
