"""The store's file, read and written off the reactor's thread. This package knows no HTTP."""
