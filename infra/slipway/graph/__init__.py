"""Draw what an environment is planned to be, as SVG: how models come into service, and who reaches what."""
