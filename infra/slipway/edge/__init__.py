"""Put models on a fleet of devices: what fits, documents that devices pull, rings, and the control side they ask."""
