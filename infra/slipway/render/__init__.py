"""From the plan to manifests and Dockerfiles, by templates that only place values."""
