"""Where checkpoints come from: one module per source, each of which fills a directory with a whole checkpoint."""
