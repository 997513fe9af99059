"""What Keras' layers take and npkeras does not do: refused in one wording."""


def refuse_lora_and_quantization(owner, lora_rank, lora_alpha, quantization_config):
    """Raise if one of the arguments for low-rank adaptation or quantization is given."""
    given = {
        "lora_rank": lora_rank,
        "lora_alpha": lora_alpha,
        "quantization_config": quantization_config,
    }
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"npkeras does not support `{name}` of {owner}: it has neither low-rank "
                f"adaptation nor quantization. Leave it None. Received: {name}={value!r:.60}"
            )
