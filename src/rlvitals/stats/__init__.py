"""Mathematics: arrays in, values out. Opens no file, reads no clock."""
