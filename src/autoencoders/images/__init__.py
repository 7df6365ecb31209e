"""Image files: finding, reading, converting and writing them."""
