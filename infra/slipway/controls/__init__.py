"""Hold an environment against controls: what its plan and its live state prove, and what they cannot."""
