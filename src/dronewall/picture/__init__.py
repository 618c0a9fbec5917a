"""The picture: kept, and cut to each reader."""
