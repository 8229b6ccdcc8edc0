"""What services say to each other over HTTP, one file a provider: paths, models, failures."""
