"""The rules by which replicas follow the load: what is measured, what follows from it, and when it takes effect."""
