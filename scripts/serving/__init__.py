"""Starting, watching and stopping one TorchServe process."""
