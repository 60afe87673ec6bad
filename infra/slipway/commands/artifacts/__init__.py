"""Commands about what models are made of: their locks, signatures and bills of materials."""
