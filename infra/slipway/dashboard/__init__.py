"""Show what is known of environments as one HTML page, in a file or from a server on this machine alone."""
