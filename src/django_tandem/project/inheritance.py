"""Whether a class of the project behaves as Django's own."""

import inspect


def inherits(cls: object, base: type, name: str) -> bool:
    """
    Return whether attribute ``name`` of ``cls`` is that of ``base``.

    A tracing agent may have wrapped it in ``base``. Its wrappers bind at each access, so that
    ``cls.name is base.name`` would be false for the same class.
    """
    return inspect.getattr_static(cls, name, None) is inspect.getattr_static(base, name)
