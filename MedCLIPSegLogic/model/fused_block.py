"""Residual blocks of open_clip with fused attention, in which some tokens may look at others."""

from __future__ import annotations

from open_clip.transformer import ResidualAttentionBlock
from torch import Tensor, nn
from torch.nn import functional


class SplitAttention(nn.Module):
    """The layers of an ``nn.MultiheadAttention`` as linear modules of their own, which can be quantized."""

    def __init__(self, packed: nn.MultiheadAttention) -> None:
        super().__init__()
        width = packed.embed_dim
        self.num_heads = packed.num_heads
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.query.weight.data, self.key_value.weight.data = packed.in_proj_weight.data.split([width, 2 * width])
        self.query.bias.data, self.key_value.bias.data = packed.in_proj_bias.data.split([width, 2 * width])
        self.out_proj = nn.Linear(width, width)
        self.out_proj.load_state_dict(packed.out_proj.state_dict())


def residual_block(
    block: ResidualAttentionBlock, queries: Tensor, context: Tensor, mask: Tensor | None = None
) -> Tensor:
    """What a block makes of tokens (B, Tq, W) that look at a context (B, Tk, W), of which they may be a part.

    Args:
        block: from open_clip, its attention packed or split.
        queries, context: tokens before the block's first norm.
        mask: (B, 1, 1, Tk) or (Tq, Tk), True where a query looks; None lets all look at all.
    """
    normed = block.ln_1(queries)
    seen = normed if context is queries else block.ln_1(context)
    tokens = queries + block.ls_1(_attend(block.attn, normed, seen, mask))
    return tokens + block.ls_2(block.mlp(block.ln_2(tokens)))


def attention(
    query: Tensor, key: Tensor, value: Tensor, heads: int, mask: Tensor | None = None, dropout: float = 0.0
) -> Tensor:
    """Multi-head attention (B, Tq, W) of projected tokens (B, T, W), without a stored score matrix."""
    query, key, value = (tokens.unflatten(-1, (heads, -1)).transpose(1, 2) for tokens in (query, key, value))
    read = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
    return read.transpose(1, 2).flatten(2)


def _attend(
    layers: nn.MultiheadAttention | SplitAttention, queries: Tensor, context: Tensor, mask: Tensor | None
) -> Tensor:
    if isinstance(layers, SplitAttention):
        query, key_value = layers.query(queries), layers.key_value(context)
    else:
        width, weight, bias = layers.embed_dim, layers.in_proj_weight, layers.in_proj_bias
        query = functional.linear(queries, weight[:width], bias[:width])
        key_value = functional.linear(context, weight[width:], bias[width:])
    key, value = key_value.chunk(2, dim=-1)
    return layers.out_proj(attention(query, key, value, layers.num_heads, mask))
