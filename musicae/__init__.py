"""musicae: harmonizes a melody into a four-part chorale and composes new ones.

The public names stand in ``__init__.pyi``. Each is loaded when it is first used, so that importing
the package is quick.
"""

import lazy_loader

from musicae.core.version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
