"""Text towers of open_clip, opened up so that adapters can act between their layers."""

from __future__ import annotations

import torch
from open_clip.hf_model import HFTextEncoder
from open_clip.transformer import QuickGELU, TextTransformer
from torch import Tensor, nn
from transformers import BertConfig

from .config import TextTowerConfig
from .fused_block import attention, residual_block

PAD_TOKEN = 0


class BertTextTower(HFTextEncoder):
    """BERT inside open_clip's encoder, pooled at the class token of the last layer, two-layer projection."""

    ignores_padding = True
    """No token of a layer looks at padding; otherwise each looks at those before it and itself."""

    def __init__(self, config: TextTowerConfig, joint_width: int) -> None:
        bert = BertConfig(
            vocab_size=config.vocab_size,
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=round(config.width * config.mlp_ratio),
            max_position_embeddings=config.max_positions or config.context_length,
            pad_token_id=PAD_TOKEN,
        )
        super().__init__(
            "", joint_width, config=bert, pooler_type="cls_last_hidden_state_pooler", proj_type="mlp", pretrained=False
        )
        self.transformer.pooler = None  # the class token is read directly; its own pooler has no published weights

    def embed(self, token_ids: Tensor) -> Tensor:
        """Tokens (B, T, W)."""
        return self.transformer.embeddings(input_ids=token_ids)

    def pooled_positions(self, token_ids: Tensor) -> Tensor:
        """Position (B,) of the token that speaks for the prompt."""
        return token_ids.new_zeros(len(token_ids))

    def block(self, index: int, tokens: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        """Tokens (B, Tq, W) after layer ``index``, in which they look at a context (B, Tk, W).

        Args:
            mask: (B, 1, 1, Tk) or (Tq, Tk), True where a token looks; None lets all look at all.
        """
        layer = self.transformer.encoder.layer[index]
        own = layer.attention.self
        heads = own.num_attention_heads
        dropout = own.dropout.p if self.training else 0.0
        read = attention(own.query(tokens), own.key(context), own.value(context), heads, mask, dropout)
        return layer.feed_forward_chunk(layer.attention.output(read, tokens))

    def project(self, pooled: Tensor) -> Tensor:
        """The prompt's vector (B, joint width) of its pooled token (B, W), not scaled to unit length."""
        return self.proj(pooled)


class OpenClipTextTower(TextTransformer):
    """open_clip's text transformer: causal as in CLIP, or reading both ways and ignoring padding."""

    def __init__(self, config: TextTowerConfig, joint_width: int) -> None:
        super().__init__(
            context_length=config.context_length,
            vocab_size=config.vocab_size,
            width=config.width,
            heads=config.heads,
            layers=config.layers,
            mlp_ratio=config.mlp_ratio,
            output_dim=joint_width,
            no_causal_mask=not config.causal,
            use_pad_mask=not config.causal,
            pad_id=PAD_TOKEN,
            pool_type="argmax" if config.causal else "first",
            act_layer=QuickGELU if config.activation == "quick_gelu" else nn.GELU,
        )
        self.ignores_padding = not config.causal

    def embed(self, token_ids: Tensor) -> Tensor:
        return self.token_embedding(token_ids) + self.positional_embedding[: token_ids.shape[1]]

    def pooled_positions(self, token_ids: Tensor) -> Tensor:
        # CLIP's end-of-text token has the highest number.
        return token_ids.new_zeros(len(token_ids)) if self.ignores_padding else token_ids.argmax(dim=1)

    def block(self, index: int, tokens: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        return residual_block(self.transformer.resblocks[index], tokens, context, mask)

    def project(self, pooled: Tensor) -> Tensor:
        return self.ln_final(pooled) @ self.text_projection


def content_length(token_ids: Tensor) -> int:
    """Tokens up to the last one that is no padding in any row of (B, T)."""
    return int((token_ids != PAD_TOKEN).any(dim=0).nonzero().max()) + 1


def attention_mask(tower: BertTextTower | OpenClipTextTower, token_ids: Tensor, length: int) -> Tensor | None:
    """Which of the tokens look at which.

    Args:
        tower: the tower.
        token_ids: (B, T).
        length: of the content.

    Returns:
        (B, 1, 1, length) of a tower that ignores padding, None when it has none within the content; (T, T) of a
        causal one.
    """
    if tower.ignores_padding:
        visible = token_ids[:, :length] != PAD_TOKEN
        return None if bool(visible.all()) else visible[:, None, None]
    count = token_ids.shape[1]
    return torch.ones(count, count, dtype=torch.bool, device=token_ids.device).tril()


def build_text_tower(config: TextTowerConfig, joint_width: int) -> BertTextTower | OpenClipTextTower:
    """The tower ``config`` describes, with random weights."""
    return (BertTextTower if config.kind == "bert" else OpenClipTextTower)(config, joint_width)
