"""Recording of unmodified training scripts: the libraries that a script uses are attached to a run.

    import rlvitals
    rlvitals.autolog()  # before or after the libraries are imported

`rlvitals run -- python train.py` does the same without a change to the script.
"""

from rlvitals.autologging.library_attachments import autolog

__all__ = ["autolog"]
