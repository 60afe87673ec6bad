"""What stacks are put together from: the only importers of Pulumi's resources and of the Docker SDK."""
