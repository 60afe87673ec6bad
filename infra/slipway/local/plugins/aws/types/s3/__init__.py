"""The resource types of S3."""
