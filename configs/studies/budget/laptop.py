"""A laptop: 64x64, half the width, few epochs, the fastest precision; minutes instead of days."""

image_size = 64
width = 0.5
max_epochs = 6
precision = 'auto'
cache = True
