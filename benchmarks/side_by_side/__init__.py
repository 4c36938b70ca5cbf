"""The example on a dozen topologies, side by side: `make bench` and `make bench-quick`."""
