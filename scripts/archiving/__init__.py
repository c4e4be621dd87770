"""What goes into an archive beside the code: golden pictures and the digest of everything it is built from."""
