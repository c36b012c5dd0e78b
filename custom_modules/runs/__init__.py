"""What a run leaves on the disk, written and read back."""
