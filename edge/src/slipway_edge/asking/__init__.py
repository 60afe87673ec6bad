"""The golden request, asked and judged."""
