"""A Dockerfile that a person wrote, and the folder that an image is built from: read within limits, never run here."""
