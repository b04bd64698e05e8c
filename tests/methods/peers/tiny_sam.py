"""Trackers of the SAM 2 family of a few thousand weights, as folders that transformers saved."""

import torch

from civos_siaf.weights.hub import make_processor

SIZE = 64
"""Sides of the frames as the networks see them."""

SMALL = {
    "memory_attention_hidden_size": 128,
    "memory_attention_num_layers": 1,
    "memory_encoder_hidden_size": 128,
    "memory_encoder_output_channels": 64,
    "mask_downsampler_embed_dim": 128,
    "memory_fuser_embed_dim": 128,
    "memory_fuser_intermediate_dim": 32,
    "memory_fuser_num_layers": 1,
}
PROMPTS = {"hidden_size": 128, "image_size": SIZE, "mask_input_channels": 4}
DECODER = {"hidden_size": 128, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 32}
SIDES = [[SIZE // 4] * 2, [SIZE // 8] * 2, [SIZE // 16] * 2]


def save_tiny(family, folder):
    """A model of a family, weights at random, and its processor."""
    import transformers

    model = _MODELS[family](transformers)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for value in model.parameters():  # as they come, half of them would be zero
            value.add_(torch.randn(value.shape, generator=generator) * 0.15)
    model.eval().save_pretrained(folder)
    processor = "Sam3TrackerVideoProcessor" if family == "sam3" else "Sam2VideoProcessor"
    make_processor(transformers, processor, SIZE).save_pretrained(folder)
    return folder


def _sam2(transformers):
    backbone = transformers.Sam2HieraDetConfig(
        hidden_size=8,
        image_size=[SIZE, SIZE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 2, 2],
        global_attention_blocks=[3],
        window_size_per_stage=[4, 4, 4, 2],
        window_positional_embedding_background_size=[4, 4],
    )
    vision = transformers.Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=SIDES,
        fpn_hidden_size=128,
    )
    config = transformers.Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config=PROMPTS,
        mask_decoder_config=DECODER,
        image_size=SIZE,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[SIZE // 16] * 2,
        **SMALL,
    )
    return transformers.Sam2VideoModel(config)


def _edgetam(transformers):
    layers = {"in_chans": 3, "features_only": True, "out_indices": [1, 2, 3, 4]}
    backbone = transformers.TimmWrapperConfig(architecture="test_efficientnet", model_args=layers)
    vision = transformers.EdgeTamVisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 48, 32, 24],
        backbone_feature_sizes=SIDES,
        fpn_hidden_size=128,
    )
    config = transformers.EdgeTamVideoConfig(
        vision_config=vision,
        prompt_encoder_config=PROMPTS,
        mask_decoder_config=DECODER,
        image_size=SIZE,
        memory_attention_mlp_hidden_size=32,
        memory_attention_rope_feat_sizes=[SIZE // 16] * 2,
        memory_attention_rope_k_sizes=[2, 2],
        perceiver_resampler_num_latents=4,
        perceiver_resampler_num_latents_2d=4,
        perceiver_resampler_num_layers=1,
        perceiver_resampler_mlp_intermediate_size=32,
        **SMALL,
    )
    return transformers.EdgeTamVideoModel(config)


def _sam3(transformers):
    backbone = transformers.Sam3ViTConfig(
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIZE,
        pretrain_image_size=SIZE,
        patch_size=16,
        window_size=2,
        global_attn_indexes=[1],
    )
    vision = transformers.Sam3VisionConfig(
        backbone_config=backbone, fpn_hidden_size=128, backbone_feature_sizes=SIDES
    )
    config = transformers.Sam3TrackerVideoConfig(
        vision_config=vision,
        prompt_encoder_config={**PROMPTS, "patch_size": 16},
        mask_decoder_config=DECODER,
        image_size=SIZE,
        memory_attention_feed_forward_hidden_size=32,
        **SMALL,
    )
    return transformers.Sam3TrackerVideoModel(config)


_MODELS = {"sam2": _sam2, "edgetam": _edgetam, "sam3": _sam3}
FAMILIES = tuple(_MODELS)
