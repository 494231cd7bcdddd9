"""The store's web endpoint: access control, the API and the page; private."""
