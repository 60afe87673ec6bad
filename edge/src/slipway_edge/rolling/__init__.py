"""A version beside the one in service, judged, kept or taken back."""
