"""Stand-ins for what SGLang imports and a text model on a CPU never calls. Goes into SGLang's environment, which loads it at
every start of its Python.

SGLang's modules import torchvision (pictures), torchaudio (sound) and sgl_kernel (compiled kernels, published for GPUs
only) when they are loaded, whatever model is served. Here such an import succeeds with a module in which every name is a
class that can't be made and can't be called: what really needed one of these libraries fails with its name, and never
goes on with a wrong number.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Sequence

STAND_INS = ("sgl_kernel", "torchaudio", "torchvision")


class _Absent(type):
    """A class whose attributes are such classes, too: enough for default arguments, annotations and enumerations."""

    def __getattr__(cls, name: str) -> _Absent:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(f"{cls.__name__}.{name}", (), {})

    def __call__(cls, *args: object, **fields: object) -> object:
        raise NotImplementedError(f"{cls.__name__} is a stand-in: the library is not installed here")


class _Module(types.ModuleType):
    # transformers asks torchvision for its version: older than all that it would use.
    __version__ = "0.0"

    def __getattr__(self, name: str) -> _Absent:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(f"{self.__name__}.{name}", (), {})


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        known = fullname.partition(".")[0] in STAND_INS
        return importlib.machinery.ModuleSpec(fullname, self, origin=__file__, is_package=True) if known else None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        module = _Module(spec.name)
        module.__path__ = []
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


# Last: where one of them is installed, that one is taken.
sys.meta_path.append(_Finder())
