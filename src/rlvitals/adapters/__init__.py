"""Other people's loops, made to say records: `adapters.sb3` (Stable-Baselines3) and `adapters.gymnasium`.

Importing this package loads neither of them: each adapter imports its own library, and says which extra is missing.
"""
