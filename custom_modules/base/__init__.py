"""What knows nothing of segmentation: errors, paths, whole files, progress."""
