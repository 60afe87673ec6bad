"""The gateway asks whether a call may pass: external authorization on HTTP."""
