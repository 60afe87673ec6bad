"""Commands about a project: a new one, schemas and reference pages, completion."""
