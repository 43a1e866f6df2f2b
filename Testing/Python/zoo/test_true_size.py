"""The four flavors at true size, against open_clip's own models and the keys of the published checkpoint."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP
from published_files import logits

from MedCLIPSegLab.models.commands import export_model, import_model
from MedCLIPSegLogic.model.checkpoint import expected_shapes, load_checkpoint, save_weights
from MedCLIPSegLogic.model.flavors import FLAVORS
from MedCLIPSegLogic.model.folder import is_adapter
from MedCLIPSegLogic.model.library import find_model
from MedCLIPSegLogic.model.manifest import zoo
from MedCLIPSegLogic.model.network import MedCLIPSeg
from MedCLIPSegLogic.model.tokenizer import SPECIAL_TOKENS
from MedCLIPSegLogic.zoo.layouts import map_weights

KEYS = Path(__file__).parents[2] / "Data" / "Published" / "unimedclip_vit_b16_keys.json"
BERT_SIZES = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}


def published_shapes() -> dict[str, tuple[int, ...]]:
    """Every key of a published checkpoint; ``*`` stands for the numbers from 0 up to ``count``."""
    shapes = {}
    for key, entry in json.loads(KEYS.read_text()).items():
        numbers = range(entry["count"]) if "count" in entry else [None]
        shapes |= {key if n is None else key.replace("*", str(n)): tuple(entry["shape"]) for n in numbers}
    return shapes


def bert_folder(folder: Path) -> Path:
    """What open_clip needs to build BiomedBERT offline."""
    config = {"model_type": "bert", "vocab_size": 30_522, "max_position_embeddings": 512, **BERT_SIZES}
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def open_clip_model(flavor: str, folder: Path) -> torch.nn.Module:
    """open_clip's model of a flavor, without memory for its weights."""
    with torch.device("meta"):
        if flavor in ("clip", "pubmedclip"):
            config = open_clip.get_model_config({"clip": "ViT-B-16", "pubmedclip": "ViT-B-32"}[flavor] + "-quickgelu")
            return CLIP(**config)
        text = {
            "hf_model_name": str(bert_folder(folder / "bert")),
            "hf_model_pretrained": False,
            "hf_proj_type": "mlp",
            "hf_pooler_type": "cls_last_hidden_state_pooler",
            "context_length": 256,
        }
        vision: dict = {"image_size": 224, "layers": 12, "width": 768, "patch_size": 16}
        if flavor == "biomedclip":
            vision = {"timm_model_name": "vit_base_patch16_224", "timm_pool": "", "timm_proj": "linear"}
            vision["image_size"] = 224
        return CustomTextCLIP(512, vision, text, quick_gelu=flavor == "unimedclip")


def test_the_published_keys_are_those_of_the_network() -> None:
    shapes = published_shapes()
    assert len(shapes) == 668
    assert expected_shapes(FLAVORS["unimedclip"]) == shapes


@pytest.mark.parametrize("flavor", FLAVORS)
def test_every_weight_of_open_clip_has_its_place(flavor: str, tmp_path: Path) -> None:
    model = open_clip_model(flavor, tmp_path)
    zeros = {name: torch.zeros(()).expand(tensor.shape) for name, tensor in model.state_dict().items()}
    mapped = map_weights(zeros, FLAVORS, "open_clip")
    assert (mapped.config.flavor, mapped.has_adapter) == (flavor, False)
    values = sum(tensor.numel() for tensor in mapped.tensors.values())
    assert values == sum(tensor.numel() for tensor in model.state_dict().values()) == zoo()[flavor].values


def test_the_list_states_how_many_values_there_are() -> None:
    for flavor in FLAVORS:
        shapes = expected_shapes(FLAVORS[flavor])
        counts = {name: torch.Size(shape).numel() for name, shape in shapes.items()}
        adapters = sum(count for name, count in counts.items() if is_adapter(name))
        assert round(adapters / 1e6, 1) == (18.7 if flavor in ("unimedclip", "biomedclip") else 17.4)
        assert zoo()[flavor].values == sum(counts.values()) - adapters
        for entry in zoo().values():
            if entry.kind == "model" and entry.flavor == flavor:
                assert entry.values == sum(counts.values())


@pytest.mark.slow
def test_a_published_checkpoint_of_true_size_comes_and_goes_unchanged(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = MedCLIPSeg(FLAVORS["unimedclip"]).eval()
    state = network.state_dict()
    state = {key: state[key] for key in published_shapes()}
    torch.save({"model": state, "epoch": 99, "best_loss": float("inf")}, tmp_path / "latest.pth")
    words = [*SPECIAL_TOKENS, *(f"w{number}" for number in range(30_522 - len(SPECIAL_TOKENS)))]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")

    report = import_model(tmp_path / "latest.pth", "busi")
    assert [key.key for key in report.keys] == list(published_shapes())
    assert torch.equal(logits(load_checkpoint(find_model("busi"))), logits(network))
    del network

    save_weights({n: t for n, t in state.items() if is_adapter(n)}, tmp_path / "half.safetensors", half=True)
    assert (tmp_path / "half.safetensors").stat().st_size < 40e6
    export_model("busi", tmp_path / "back.pth")
    back = torch.load(tmp_path / "back.pth", weights_only=True, mmap=True)["model"]
    assert back.keys() == state.keys()
    for key, tensor in state.items():
        assert torch.equal(back[key], tensor), key
