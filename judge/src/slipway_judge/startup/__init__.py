"""Everything wired up, the ports, and the way down."""
