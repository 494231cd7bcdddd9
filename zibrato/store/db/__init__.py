"""The store's file: what is written and read, off the reactor's thread. It knows no HTTP."""
