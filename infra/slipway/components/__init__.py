"""The components of stacks: the only importers of Pulumi's resources and of the Docker SDK."""
