"""Every admitted call, written down once: first beside the process, then in the database."""
