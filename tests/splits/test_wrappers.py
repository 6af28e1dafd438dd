"""Models inside of wrappers are looked through: the same bytes, the same values as the model inside."""

import importlib.util
import warnings

import accelerate
import pytest
import torch
import transformers
from tiny_models import build

from rdcodec import RdcodecError, calibrate
from rdcodec.codecs import IntegerCodec
from rdcodec.evaluation import Setting, evaluate
from rdcodec.splits import compress_at, find_site, head_states, run_head, run_tail, unwrapped

LAYER = 1


class Wrapper(torch.nn.Module):
    """A module of one's own, whose forward tells nothing of the model's arguments."""

    def __init__(self, model):
        super().__init__()
        self.scale = torch.nn.Linear(2, 2)
        self.inner = torch.nn.ModuleDict({"model": model})

    def forward(self, *args, **kwargs):
        return self.inner["model"](*args, **kwargs)

    def generate(self, *args, **kwargs):
        return self.inner["model"].generate(*args, **kwargs)


def llama():
    torch.manual_seed(7)
    model = transformers.LlamaForCausalLM(build("llama").config)
    model.load_state_dict(build("llama").state_dict())
    return model.eval()


def with_peft(model):
    if importlib.util.find_spec("peft") is None:
        pytest.skip("peft is not installed")
    import peft

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = peft.get_peft_model(model, peft.LoraConfig(target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(generator=torch.Generator().manual_seed(1))
    return model.eval()


WRAPPERS = {
    "own": Wrapper,
    "own, twice": lambda model: Wrapper(Wrapper(model)),
    "DataParallel": torch.nn.DataParallel,
    "accelerate prepare": lambda model: accelerate.Accelerator(cpu=True).prepare(model),
    "accelerate offload": lambda model: accelerate.cpu_offload(model, execution_device="cpu"),
    "peft": with_peft,
    "DataParallel of peft": lambda model: torch.nn.DataParallel(with_peft(model)),
}


@pytest.fixture(params=WRAPPERS)
def wrapper(request):
    return WRAPPERS[request.param](llama()).eval()


def padded_ids():
    ids = torch.randint(4, 90, (2, 11), generator=torch.Generator().manual_seed(3))
    mask = torch.ones_like(ids)
    mask[0, :4] = 0
    return ids * mask, mask


def test_the_same_bytes_and_values_as_the_model_inside(wrapper):
    inner = unwrapped(wrapper)
    assert type(inner) is transformers.LlamaForCausalLM
    ids, mask = padded_ids()
    outputs = []
    for opened, run in ((wrapper, wrapper), (inner, inner), (inner, wrapper)):
        with compress_at(opened, IntegerCodec(32, bits=4), layer=LAYER) as meter, torch.no_grad():
            outputs.append((run(input_ids=ids, attention_mask=mask).logits, meter.bytes))
        assert meter.tokens == mask.sum(), "padding is not coded"
    for logits, size in outputs[1:]:
        assert torch.equal(logits, outputs[0][0]) and size == outputs[0][1]


def test_the_parts(wrapper):
    ids, mask = padded_ids()
    h = head_states(wrapper, LAYER, ids, mask)
    assert torch.equal(h, head_states(unwrapped(wrapper), LAYER, ids, mask))
    with torch.no_grad():
        assert torch.equal(run_tail(wrapper, LAYER, h, mask), wrapper(input_ids=ids, attention_mask=mask).logits)
        first = head_states(wrapper, 0, ids)
        assert torch.equal(run_head(wrapper, LAYER, first), head_states(wrapper, LAYER, ids))


def test_measuring(wrapper):
    ids = torch.randint(4, 90, (3, 16), generator=torch.Generator().manual_seed(4))
    settings = [Setting("int4", IntegerCodec(32, bits=4), layer=LAYER)]
    (row,), (inner_row,) = evaluate(wrapper, ids, settings), evaluate(unwrapped(wrapper), ids, settings)
    assert row.kl == inner_row.kl > 0 and row.bits_per_token == inner_row.bits_per_token


@pytest.mark.slow
@pytest.mark.parametrize("wrap", [Wrapper, with_peft], ids=["own", "peft"])
def test_fitting(wrap, tokenizer):
    wrapper = wrap(llama())
    texts = ["".join(map(chr, torch.randint(97, 120, (2000,), generator=torch.Generator().manual_seed(s)))) for s in (1, 2)]
    codec, inner_codec = (calibrate(model, tokenizer, texts, LAYER, 256) for model in (wrapper, unwrapped(wrapper)))
    assert codec.default_quality == inner_codec.default_quality
    h = head_states(wrapper, LAYER, padded_ids()[0])
    assert codec.encode(h) == inner_codec.encode(h)


@pytest.fixture
def tokenizer():
    """A token a letter."""

    def tokenize(text, verbose=False):
        return {"input_ids": [4 + (ord(letter) - 97) * 3 for letter in text]}

    return tokenize


def test_generation_in_a_wrapper(trail_of):
    wrapper = Wrapper(llama())
    ids, mask = padded_ids()
    settings = {"attention_mask": mask, "max_new_tokens": 4, "do_sample": False}
    plain = wrapper.generate(ids, **settings)
    with compress_at(wrapper, trail_of(32), layer=LAYER) as meter:
        assert torch.equal(wrapper.generate(ids, **settings), plain)
    assert meter.tokens == mask.sum() + 2 * 3


def test_models_side_by_side_are_refused():
    pair = torch.nn.ModuleList([llama(), build("gpt2")])
    with pytest.raises(RdcodecError, match=r"ModuleList holds several models \(LlamaForCausalLM, GPT2LMHeadModel\); give one"):
        find_site(pair, 0)


def test_soft_prompts_are_refused():
    peft = pytest.importorskip("peft")
    config = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    model = peft.get_peft_model(llama(), config)
    with pytest.raises(RdcodecError, match=r"'default' of PeftModelForCausalLM is of prompt learning \(.*PROMPT_TUNING\)"):
        find_site(model, 0)


def test_what_holds_no_model_is_unknown():
    with pytest.raises(RdcodecError, match="architecture None is unknown"):
        find_site(torch.nn.Sequential(torch.nn.Linear(2, 2)), 0)
