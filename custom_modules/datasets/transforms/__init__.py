"""Steps of a pipeline, registered in MMEngine."""
