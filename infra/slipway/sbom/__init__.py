"""Software bills of materials: what a model's image is made of, as CycloneDX, from what the plan knows."""
