"""The routes, a file for each group: read, ask, write."""
