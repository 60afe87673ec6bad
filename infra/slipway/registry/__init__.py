"""Registries of images, spoken to without a Docker Engine: images copied as they are, byte for byte."""
