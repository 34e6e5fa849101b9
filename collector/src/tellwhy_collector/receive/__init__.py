"""Step 1 of 7. OTLP's own doors, HTTP and gRPC: limits, answers and errors, but no meaning."""
