"""Aggregates what the intakes receive, into the summaries of intervals."""
