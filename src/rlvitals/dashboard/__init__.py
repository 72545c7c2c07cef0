"""Dashboard: a local web server with pages and a JSON API over run folders."""
