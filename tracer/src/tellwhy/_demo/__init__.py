"""What `tellwhy demo` runs: a scripted model server and example agents, all on loopback."""
