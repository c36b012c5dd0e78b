"""From a folder as somebody left it to a data set that trains."""
