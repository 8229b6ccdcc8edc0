"""Everything that knows how Coze speaks; nothing outside this package does."""
