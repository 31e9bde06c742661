"""musicae: harmonizes a melody into a four-part chorale and composes new ones.

``__init__.pyi`` lists the public names. Each is loaded at its first use, which keeps importing the
package quick.
"""

import lazy_loader

from musicae.core.version import __version__ as __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
