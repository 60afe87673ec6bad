"""Read and write what `slipway lock` found out: the source, the steps, what came out and how good it is."""
