"""A stage of a pipeline, run by torchrun: what it says of each case of test_pipeline.py, as JSON.

torchrun --nproc-per-node N pipeline_worker.py MODEL OUT CODEC...
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from tiny_ends import PROMPT, prompts
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.distributed import DistributedConfig

from rdcodec import Codec, RdcodecError
from rdcodec.codecs import RawCodec
from rdcodec.errors import LimitError
from rdcodec.serving import compress_pipeline, pipeline_layers
from rdcodec.serving.peers import receive_parts

TEXTS = PROMPT, "Classes", "The with statement"
NEW = 10
GREEDY = {"do_sample": False, "max_new_tokens": NEW}
DRAWN = {"do_sample": True, "top_k": 20, "temperature": 0.8, "max_new_tokens": NEW}
BEAMS = {"do_sample": False, "num_beams": 3, "max_new_tokens": NEW}
CASES = {  # what `generate` is asked for, the number of texts, and of the best logits
    "greedy": (GREEDY, 3, None),
    "one row, the best token alone": (GREEDY, 1, 1),
    "drawn from the best": (DRAWN, 3, 20),
    "beams": (BEAMS, 2, None),
}


def inputs(tokenizer, count):
    ids, mask = prompts(tokenizer, *TEXTS[:count])
    return {"input_ids": ids, "attention_mask": mask}


def run(model, given, asked):
    torch.manual_seed(3)
    return model.generate(**given, **asked).tolist()


def steps(model, ids):
    """Logits of a prompt and of steps of one token, with a cache that the model makes itself, and of a prompt without one."""
    output = model(ids[:, :5], use_cache=True)
    logits = [output.logits]
    for token in ids[:, 5:9].unbind(1):
        output = model(token[:, None], cache=output.cache, use_cache=True)
        logits.append(output.logits)
    return torch.cat([*logits, model(ids[:, :9], use_cache=False).logits], 1)


def refused(call, error=RdcodecError):
    try:
        call()
    except error as found:
        return str(found)
    return None


def opened(model, codecs, **more):
    with compress_pipeline(model, codecs, **more):
        pass


def lying(stage):
    """What the next stage says of lengths that are none."""
    if stage.pp_is_first_stage:
        dist.send(torch.tensor([2**31 - 1], dtype=torch.int32), 1)
    if stage.pp_rank == 1:
        return refused(lambda: receive_parts(stage, 1, 100), LimitError)
    return None


def main(folder, out, *folders):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(seconds=100))
    model = AutoModelForCausalLM.from_pretrained(folder, distributed_config=DistributedConfig(pp_size=dist.get_world_size())).eval()
    tokenizer, codecs = AutoTokenizer.from_pretrained(folder), [Codec.from_pretrained(path) for path in folders]
    found = {"layers": pipeline_layers(model)}
    for name, (asked, count, best) in CASES.items():
        with compress_pipeline(model, codecs, best_logits=best) as meter:
            text = run(model, inputs(tokenizer, count), asked)
        found[name] = {"text": text, "sent": meter.sent.bytes, "received": meter.received.bytes, "tokens": meter.sent.tokens}
        found[name]["logits"] = meter.logit_bytes
    with compress_pipeline(model, codecs):
        found["steps"] = steps(model, inputs(tokenizer, 1)["input_ids"]).tolist()
    own = codecs if dist.get_rank() else [RawCodec(codec.channels) for codec in codecs]
    found["others' codecs"] = refused(lambda: opened(model, own))
    found["too few"] = refused(lambda: opened(model, codecs[1:]))
    found["too fine"] = refused(lambda: opened(model, codecs, quality=10**6))
    found["no logits"] = refused(lambda: opened(model, codecs, best_logits=0))
    found["lying"] = lying(model._pp_stage)
    Path(out, f"{dist.get_rank()}.json").write_text(json.dumps(found))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
