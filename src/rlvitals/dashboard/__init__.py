"""The dashboard: pages and a JSON API over run folders, in a browser, on this machine."""
