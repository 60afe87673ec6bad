"""A model run over a file, as a Job of the image that serves; input and results travel through the model store."""
