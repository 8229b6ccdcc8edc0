"""The public doors of chat-proxy, each as thin as its shape allows."""
