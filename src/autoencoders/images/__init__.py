"""Image files: which ones people mean, their one reader and writer, and names that lose nothing."""
