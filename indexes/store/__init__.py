"""A knowledge base on disk: its catalog and shards, what is written to them and read back."""
