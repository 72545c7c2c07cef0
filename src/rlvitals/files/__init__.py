"""Files of runs on the disk, opened and written safely."""
