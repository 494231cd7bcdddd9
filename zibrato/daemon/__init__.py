"""The daemon: options, aggregation, outboxes, and what it measures of itself."""
