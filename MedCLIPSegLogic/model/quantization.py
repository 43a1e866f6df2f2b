"""Networks whose towers multiply 8-bit integers."""

from __future__ import annotations

import copy
import warnings
from importlib.util import find_spec
from weakref import WeakKeyDictionary

import torch
from torch import nn

from .fused_block import SplitAttention
from .network import MedCLIPSeg

_twins: WeakKeyDictionary[MedCLIPSeg, MedCLIPSeg] = WeakKeyDictionary()


def can_quantize() -> bool:
    """True when this PyTorch has integer matrix products for the processor."""
    engines = set(torch.backends.quantized.supported_engines) - {"none"}
    return bool(engines) and find_spec("torch.ao.quantization") is not None


def quantized(network: MedCLIPSeg) -> MedCLIPSeg:
    """The network with int8 linear layers in both towers, for the CPU; made once, all else is shared.

    Weights get one scale an output channel, activations one scale a layer and call (dynamic quantization): rows of one
    batch influence each other, so give it one row at a time where results must not depend on their company.

    Args:
        network: on the CPU, in evaluation mode.
    """
    if network not in _twins:
        twin = copy.deepcopy(network, {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())})
        for tower in (twin.vision_model, twin.text_model):
            _split_attentions(tower)
            _quantize_linears(tower)
        _twins[network] = twin
    return _twins[network]


def _split_attentions(tower: nn.Module) -> None:
    for module in list(tower.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.MultiheadAttention):
                setattr(module, name, SplitAttention(child))


def _quantize_linears(tower: nn.Module) -> None:
    with warnings.catch_warnings():
        # PyTorch announces a successor in another package, which is not needed for this.
        warnings.simplefilter("ignore")
        from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

        quantize_dynamic(tower, {nn.Linear: per_channel_dynamic_qconfig}, dtype=torch.qint8, inplace=True)
