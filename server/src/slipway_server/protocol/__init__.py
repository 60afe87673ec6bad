"""The Open Inference Protocol and `/predict`: bodies into arrays, arrays into answers. Knows no HTTP and no model."""
