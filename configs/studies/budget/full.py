"""The report's own sizes and epochs, in the fastest precision."""

precision = 'auto'
cache = True
