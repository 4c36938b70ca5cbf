from servers.conftest import directory

__all__ = ["directory"]
