"""tellwhy: see, query and replay every decision an AI agent made."""
