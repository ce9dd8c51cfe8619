"""HTTP's doors to `groups`."""
