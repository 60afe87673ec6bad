"""The rule with three outcomes, the measures of a step, and the steps. Pure: knows no clock and no network."""
