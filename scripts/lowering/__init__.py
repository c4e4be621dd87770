"""From a checkpoint to the graph that a CPU runs fastest, and the proof that its decisions are the same."""
