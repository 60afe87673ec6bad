"""From files to validated specs and settings, with all findings of all files together."""
