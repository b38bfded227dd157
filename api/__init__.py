"""The HTTP interface: FastAPI over the pipeline. The domain knows nothing of it."""
