"""One AI turn from question to end, spoken with Coze."""
