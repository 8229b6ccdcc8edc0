"""The Coze simulator: the protocol of the Coze API on a laptop, every fault on request."""
