"""The viewer: a reviewer clicks through an agent run."""
