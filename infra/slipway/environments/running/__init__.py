"""What running an environment needs, kind by kind: its cluster, its programs, and how it begins and ends."""
