"""A model's weights and its golden request, read and checked without running them."""
