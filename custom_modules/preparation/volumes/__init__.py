"""Volumes (NIfTI, DICOM series, TIFF of several pages) as slices, images like all others."""
