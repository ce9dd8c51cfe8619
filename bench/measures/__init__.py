"""What is measured: each module returns the figures of one part."""
