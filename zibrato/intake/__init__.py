"""The intakes, one module for each kind of socket. The package is private."""
