"""From a prepared data set to a checkpoint that can be served."""
