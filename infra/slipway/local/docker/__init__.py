"""A Docker Engine, a registry on loopback, and the base image of models' images."""
