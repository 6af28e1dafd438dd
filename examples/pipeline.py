"""One model on several processes or machines, with frames between its stages in place of raw hidden states.

    torchrun --nproc-per-node 2 examples/pipeline.py [--prompt TEXT ...] [--check]
    torchrun --nproc-per-node 4 examples/pipeline.py

Each process holds the blocks of its stage. Codecs that are not in --codecs yet are calibrated by the first process, to the help of
the Python language (`pydoc_data.topics`). With --check it says what `compress_at` says at these layers in one process, too.
On several machines, start it on each with torchrun's --nnodes, --node-rank and --master-addr.
"""

import argparse
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from pydoc_data.topics import topics

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from transformers.distributed.pipeline_parallel import PipelineStage, apply_pipeline_parallelism

from rdcodec import Codec, calibrate, compress_at
from rdcodec.cli.loading import load_quietly
from rdcodec.serving import compress_pipeline

PROMPTS = "Explain in one sentence what a compiler does.", "Name three rivers."


def main():
    options = parse_options()
    dist.init_process_group("gloo", timeout=timedelta(hours=1))  # as long as calibrating may take
    first = dist.get_rank() == 0
    model, tokenizer = load_quietly(options.model)
    tokenizer.padding_side = "left"
    messages = [[{"role": "user", "content": prompt}] for prompt in options.prompt]
    inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True)

    mesh = init_device_mesh("cpu", (dist.get_world_size(),), mesh_dim_names=("pp",))["pp"]
    blocks = model.config.num_hidden_layers
    layers = [PipelineStage(mesh).layer_range_for_rank(rank, blocks)[0] for rank in range(1, mesh.size())]
    codecs = load_codecs(options, model, tokenizer, layers)
    if first and options.check:
        with ExitStack() as stack:
            for layer, codec in zip(layers, codecs):
                stack.enter_context(compress_at(model, codec, layer=layer))
            print_text("compress_at in one process", tokenizer, generated(model, inputs, options.new))

    # of models in safetensors, from_pretrained(..., distributed_config=DistributedConfig(pp_size=N)) reads the stage's own blocks alone
    apply_pipeline_parallelism(model, mesh)
    with compress_pipeline(model, codecs, best_logits=1) as meter:
        text = generated(model, inputs, options.new)
    if first:
        print_text(f"{mesh.size()} stages, cut at layers {layers}", tokenizer, text)
    for rank, layer in enumerate(layers):
        dist.barrier()
        if dist.get_rank() == rank:
            sent = meter.sent
            print(
                f"layer {layer}: {sent.tokens} tokens in {sent.bytes} bytes, {sent.bits_per_token:.0f} bits a token,"
                f" {sent.ratio:.1f} times smaller than float16; logits {meter.logit_bytes} bytes",
                flush=True,
            )
    dist.barrier()
    dist.destroy_process_group()


def load_codecs(options, model, tokenizer, layers):
    """The codec of each boundary; what is missing is made by the first process while the others wait."""
    folders = [options.codecs / f"layer{layer}" for layer in layers]
    if dist.get_rank() == 0:
        for layer, folder in zip(layers, folders):
            if not folder.exists():
                print(f"calibrating a codec for layer {layer}", flush=True)
                calibrate(model, tokenizer, list(topics.values()), layer, options.tokens).save_pretrained(folder)
    dist.barrier()
    return [Codec.from_pretrained(folder) for folder in folders]


def generated(model, inputs, new):
    """Tokens behind the prompts, the most probable ones."""
    with torch.inference_mode():
        return model.generate(**inputs, max_new_tokens=new, do_sample=False)[:, inputs["input_ids"].shape[1] :]


def print_text(title, tokenizer, tokens):
    print(f"-- {title}")
    for text in tokenizer.batch_decode(tokens, skip_special_tokens=True):
        print(text.strip(), flush=True)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--codecs", type=Path, default=Path("out/pipeline"), help="Folder with a codec a layer: layer8, layer16 ...")
    parser.add_argument("--tokens", type=int, default=12_000, help="To calibrate codecs on that are not there.")
    parser.add_argument("--prompt", action="append")
    parser.add_argument("--new", type=int, default=40, help="Tokens to generate.")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    options.prompt = options.prompt or PROMPTS
    return options


if __name__ == "__main__":
    main()
