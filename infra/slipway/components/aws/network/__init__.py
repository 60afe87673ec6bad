"""An environment's network on AWS: subnets, ways out, ways to AWS's own services, a record of who used them."""
