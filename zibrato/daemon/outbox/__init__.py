"""Keeps what was accepted on the disk until every backend has it, and ships it in order."""
