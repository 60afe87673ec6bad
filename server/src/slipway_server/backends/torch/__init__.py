"""Runs TorchScript and torch.export archives by PyTorch, on CPUs."""
