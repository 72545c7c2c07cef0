"""Adapters for training frameworks: `adapters.sb3` (Stable-Baselines3) and `adapters.gymnasium`.

Importing this package imports neither framework. Each adapter imports its own framework, and its error names the
missing extra.
"""
