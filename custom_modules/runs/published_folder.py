"""Names of the files in the folder of a published model."""

#: The other files of a published model.
ONNX, METRICS, CARD, EXAMPLES = 'model.onnx', 'metrics.json', 'README.md', 'examples.jpg'
