"""What a picture's bytes say: kinds of files, orientation, colours, the values of masks."""
