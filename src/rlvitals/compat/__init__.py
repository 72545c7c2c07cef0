"""The dictionaries of the public interface, in its fixed keys."""
