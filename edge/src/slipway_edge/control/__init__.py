"""The control side, asked over HTTP; always by the device, never the other way."""
