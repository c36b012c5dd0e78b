"""A laptop: 64x64, a quarter of the width, few epochs; minutes instead of days."""

image_size = 64
width = 0.25
max_epochs = 6
precision = 'auto'
cache = True
