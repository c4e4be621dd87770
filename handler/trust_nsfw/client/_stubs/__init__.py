"""Generated from TorchServe's proto files by scripts/generate_stubs.py."""
