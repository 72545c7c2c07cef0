"""Dictionaries of the public interface, with its fixed keys."""
