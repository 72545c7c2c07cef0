"""Adapters for training frameworks.

`adapters.sb3` (Stable-Baselines3), `adapters.gymnasium`, `adapters.trl` (Hugging Face trainers), `adapters.optuna`.
Importing this package imports none of the frameworks. Each adapter imports its own framework, and its error names the
missing extra.
"""
