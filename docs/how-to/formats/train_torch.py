"""Train a convolutional network on digits with PyTorch and save it; run in the environment of tools/torch.

python torch.py TRAIN.npz FOLDER
"""

import sys
from pathlib import Path

import numpy as np
import torch

SEED = 20261126


class Net(torch.nn.Module):
    """A convolution and two dense layers."""

    def __init__(self):
        super().__init__()
        self.convolution = torch.nn.Conv2d(1, 32, 3)
        self.hidden = torch.nn.Linear(32 * 36, 64)
        self.dense = torch.nn.Linear(64, 10)

    def forward(self, image):
        """Probabilities of the ten digits, for pictures of [rows, 1, 8, 8]."""
        seen = torch.relu(self.convolution(image)).flatten(1)
        return torch.softmax(self.dense(torch.relu(self.hidden(seen))), 1)


torch.manual_seed(SEED)
torch.set_num_threads(1)
train, to = np.load(sys.argv[1]), Path(sys.argv[2])
x, y = torch.from_numpy(train["image"]), torch.from_numpy(train["label"])
model = Net()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for _ in range(40):
    for rows in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        torch.nn.functional.nll_loss(torch.log(model(x[rows]) + 1e-9), y[rows]).backward()
        optimizer.step()
rows = torch.export.Dim("rows")
program = torch.export.export(model.eval(), (x[:2],), dynamic_shapes={"image": {0: rows}})
torch.export.save(program, to / "digits.pt2")
