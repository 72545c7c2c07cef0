"""Numerical analysis on arrays. The functions open no files and read no clock."""
