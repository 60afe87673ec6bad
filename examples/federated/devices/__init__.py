"""What Flower runs: on each device the client, beside the SuperLink the server."""
