"""Where to compute, with which numbers, and how much fits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor

from ..errors import DeviceError, MedCLIPSegError
from ..model.config import ModelConfig
from ..model.network import MedCLIPSeg
from ..model.quantization import can_quantize, quantized
from ..volumes.limits import free_memory as free_main_memory
from ..volumes.volume import Volume
from .request import Precision

MAX_BATCH = 32
CPU_STEP_OPERATIONS = 20e9
"""Multiply-adds of the towers in one step on a CPU: well below a second on one core, so that cancel answers soon."""
MAPS_PER_PROMPT = 3
_BYTES = 4
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED", "bad_alloc")


def choose_device(name: str) -> torch.device:
    """The torch device for "auto", "cpu" or "cuda".

    Raises:
        DeviceError: CUDA is asked for but there is none.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceError("There is no CUDA device on this computer; choose the device 'cpu' or 'auto'.")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on a device; on its way to a graphics card from memory that the card can read itself."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def free_memory(device: torch.device) -> int:
    """Bytes that can still be taken on a device."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return free_main_memory()


def is_out_of_memory(error: MemoryError | RuntimeError) -> bool:
    """True for the ways in which Python, numpy and torch say that memory has run out."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return any(words in str(error) for words in _OUT_OF_MEMORY)


@contextmanager
def memory_in_words(volume: Volume) -> Iterator[None]:
    """Turn memory that runs out in the block, on any device, into a sentence.

    Raises:
        MedCLIPSegError: it ran out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise MedCLIPSegError(
            f"There is too little memory to segment {volume.name}; close other programs, use fewer prompts or a "
            "smaller part of the volume."
        ) from error


def check_result_memory(volume: Volume, prompt_count: int, maps: int = MAPS_PER_PROMPT, working: int = 0) -> None:
    """Refuse a run whose masks and maps, and their copies in a scene, would not fit into main memory.

    Args:
        volume: the image.
        prompt_count: number of prompts.
        maps: float maps per prompt.
        working: bytes a voxel that the run itself needs per prompt, masks and maps included.

    Raises:
        MedCLIPSegError: too little memory.
    """
    voxels = volume.shape[0] * volume.shape[1] * volume.shape[2]
    wanted = voxels * prompt_count * max(2 * (maps * _BYTES + 1), working)
    available = free_memory(torch.device("cpu"))
    if wanted > available:
        raise MedCLIPSegError(
            f"The {'maps' if maps else 'masks'} of {prompt_count} prompts on {volume.name} need {wanted / 2**30:.1f} "
            f"GB of memory, but only {available / 2**30:.1f} GB are free; use fewer prompts"
            f"{', leave the maps out' if maps else ''} or use a smaller part of the volume."
        )


def choose_batch_size(config: ModelConfig, passes: int, device: torch.device) -> int:
    """Passes to compute together: as many as fit into a quarter of the free memory, at most 32 and ``passes``.

    On a CPU also no more than keep a step short.

    Args:
        config: of the network.
        passes: there is no use for more.
        device: where it runs.

    Raises:
        MedCLIPSegError: not even one fits.
    """
    fitting = free_memory(device) // 4 // _bytes_per_pass(config)
    if fitting < 1:
        raise MedCLIPSegError("There is too little free memory to run this model; close other programs or images.")
    if device.type == "cpu":
        fitting = min(fitting, max(1, int(CPU_STEP_OPERATIONS / _operations_per_pass(config))))
    return max(1, min(fitting, MAX_BATCH, passes))


def _operations_per_pass(config: ModelConfig) -> float:
    """Multiply-adds of the linear layers of both towers in one pass."""
    image, text = config.image, config.text
    tokens = (image.image_size // image.patch_size) ** 2 + 1
    image_tower = tokens * image.layers * image.width**2 * (4 + 2 * image.mlp_ratio)
    return image_tower + text.context_length * text.layers * text.width**2 * (4 + 2 * text.mlp_ratio)


def _bytes_per_pass(config: ModelConfig) -> int:
    """Rough peak of activations that live at once in one pass."""
    image, text = config.image, config.text
    tokens = (image.image_size // image.patch_size) ** 2 + 1
    tower = tokens * image.width * (4 + 2 * image.mlp_ratio) + image.heads * tokens**2
    words = text.context_length * text.width * (4 + 2 * text.mlp_ratio) + text.heads * text.context_length**2
    adapters = 6 * (tokens + text.context_length) * config.adapter.width + 3 * tokens * text.context_length
    head = 16 * tokens * 4 * config.joint_width + 6 * image.image_size**2
    return int(_BYTES * (tower + words + adapters + head))


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
