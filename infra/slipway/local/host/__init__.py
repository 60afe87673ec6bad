"""The machine: its programs, processes, ports, packet rules and folders."""
