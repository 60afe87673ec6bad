"""Commands that run models on this machine: measure."""
