"""Objects in a cluster: single ones, charts, a model's, an environment's."""
