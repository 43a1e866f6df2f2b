"""Numbers the towers compute with: what a processor or graphics card does well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from ..errors import MedCLIPSegError
from ..model.network import MedCLIPSeg
from ..model.quantization import can_quantize, quantized
from .request import Precision

_HALF = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_precision(wanted: Precision, device: torch.device) -> Precision:
    """What "fast" means on a device; anything else is checked.

    "float32" is exact everywhere. "int8" quantizes the linear layers of the towers and is for processors; "bfloat16"
    is for graphics cards and for processors with instructions for it (without, it is ten times slower); "float16" is
    for graphics cards. "fast" takes int8 on a processor, bfloat16 on a graphics card that has it, else float16.

    Raises:
        MedCLIPSegError: the device cannot do it, or not well.
    """
    on_cpu = device.type == "cpu"
    if wanted == "fast":
        if on_cpu:
            return "int8" if can_quantize() else "float32"
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float16"
    if wanted == "int8" and not on_cpu:
        raise MedCLIPSegError("The precision int8 is for processors; choose 'fast' or the device 'cpu'.")
    if wanted == "int8" and not can_quantize():
        raise MedCLIPSegError("This PyTorch cannot compute with int8; choose the precision 'float32'.")
    if wanted == "float16" and on_cpu:
        raise MedCLIPSegError("The precision float16 is for graphics cards; choose 'fast' or 'float32'.")
    if wanted == "bfloat16" and on_cpu and not has_bfloat16():
        raise MedCLIPSegError(
            "This processor has no instructions for bfloat16 and would be slower; choose 'fast' or 'float32'."
        )
    return wanted


def has_bfloat16() -> bool:
    """True when the processor multiplies bfloat16 matrices itself (AVX512-BF16 or AMX)."""
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in names)


def network_for(network: MedCLIPSeg, precision: Precision) -> MedCLIPSeg:
    """The network itself, or its quantized twin for int8."""
    return quantized(network) if precision == "int8" else network


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Context in which the network computes with half-precision numbers, if it shall, or else exactly.

    Graphics cards round the factors of float32 convolutions to 10 bits (TF32) unless they are told not to.
    """
    dtype = _HALF.get(precision)
    if dtype is not None:
        return torch.autocast(device.type, dtype)
    return _exact_convolutions() if device.type == "cuda" else nullcontext()


@contextmanager
def _exact_convolutions() -> Iterator[None]:
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before
