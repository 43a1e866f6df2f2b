"""Text towers of open_clip, opened up so that adapters can act between their layers."""

from __future__ import annotations

from typing import Protocol

import torch
from open_clip.hf_model import HFTextEncoder
from open_clip.transformer import QuickGELU, TextTransformer, text_global_pool
from torch import Tensor, nn
from transformers import BertConfig

from .config import TextTowerConfig

PAD_TOKEN = 0


class TextTower(Protocol):
    """A text tower in lock-step: embed, then one layer after the other, then project."""

    def embed(self, token_ids: Tensor) -> Tensor:
        """Tokens (B, T, W)."""
        ...

    def attention_mask(self, token_ids: Tensor, tokens: Tensor) -> Tensor | None:
        """Additive mask of the layers, of the type of ``tokens``."""
        ...

    def block(self, index: int, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """Tokens after layer ``index``."""
        ...

    def project(self, tokens: Tensor, token_ids: Tensor) -> Tensor:
        """The prompt's vector (B, joint width), not scaled to unit length."""
        ...


class BertTextTower(HFTextEncoder):
    """BERT inside open_clip's encoder, pooled at the class token of the last layer, two-layer projection."""

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
        return self.transformer.embeddings(input_ids=token_ids)

    def attention_mask(self, token_ids: Tensor, tokens: Tensor) -> Tensor | None:
        padding = (token_ids == PAD_TOKEN)[:, None, None, :]
        return tokens.new_zeros(padding.shape).masked_fill(padding, torch.finfo(tokens.dtype).min)

    def block(self, index: int, tokens: Tensor, mask: Tensor | None) -> Tensor:
        return self.transformer.encoder.layer[index](tokens, attention_mask=mask)

    def project(self, tokens: Tensor, token_ids: Tensor) -> Tensor:
        return self.proj(tokens[:, 0])


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

    def embed(self, token_ids: Tensor) -> Tensor:
        return self.token_embedding(token_ids) + self.positional_embedding[: token_ids.shape[1]]

    def attention_mask(self, token_ids: Tensor, tokens: Tensor) -> Tensor | None:
        length = token_ids.shape[1]
        if self.use_pad_mask:
            return self._build_additive_mask(token_ids, length, tokens.dtype)
        return self.attn_mask[:length, :length]

    def block(self, index: int, tokens: Tensor, mask: Tensor | None) -> Tensor:
        return self.transformer.resblocks[index](tokens, attn_mask=mask)

    def project(self, tokens: Tensor, token_ids: Tensor) -> Tensor:
        return text_global_pool(self.ln_final(tokens), token_ids, pool_type=self.pool_type) @ self.text_projection


def build_text_tower(config: TextTowerConfig, joint_width: int) -> BertTextTower | OpenClipTextTower:
    """The tower ``config`` describes, with random weights."""
    return (BertTextTower if config.kind == "bert" else OpenClipTextTower)(config, joint_width)
