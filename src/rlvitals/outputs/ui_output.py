"""Document of `rlvitals ui --json`."""

import msgspec


class ServedFolder(msgspec.Struct, frozen=True):
    """Address of a dashboard that has started.

    Attributes:
        folder: Folder of runs that it shows.
        address: Address of the page, with the token if one is required.
    """

    folder: str
    address: str
