"""The main job from end to end, on SmolLM2-135M and text that every machine has: calibrate, measure, draw, generate.

    python examples/demo.py [--tokens 12000] [--windows 6] [--out out/demo]

The text is the help of the Python language (`pydoc_data.topics`): one half of its paragraphs is fitted to, the other measured on.
Beside the codec fitted here, the learned codecs of `pretrained` are measured, which were trained on Wikipedia and web text.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from pydoc_data.topics import topics
from time import perf_counter

from rdcodec import Codec, calibrate, compress_at
from rdcodec.cli.loading import load_quietly
from rdcodec.cli.output import progress_bar, say
from rdcodec.cli.table import print_rows
from rdcodec.evaluation import Setting, baseline_settings, cut_text, evaluate, plot_rows

MODEL, LAYER = "smollm2-135m", 10
PRETRAINED = Path(__file__).parents[1] / "pretrained" / MODEL / f"layer{LAYER}"
OCTAVE = 8  # quality steps that double or halve the quantisation step
PROMPT = "Explain in one sentence what a compiler does."


def main():
    options = parse_options()
    options.out.mkdir(parents=True, exist_ok=True)
    began = perf_counter()
    fit_text, test_text = halves()
    model, tokenizer = load_quietly(MODEL)

    say(f"1. Calibrating a codec for layer {LAYER} of {MODEL} on {options.tokens:,} tokens")
    with progress_bar() as progress:
        codec = calibrate(model, tokenizer, [fit_text], LAYER, options.tokens, progress=progress)
    codec.save_pretrained(options.out / "codec")
    say(f"   {options.out / 'codec'}: {codec.codec_id.hex()}, default quality {codec.default_quality}")

    say(f"2. Measuring it and the usual methods on {options.windows} windows of other text")
    measured, rest = cut_text(tokenizer, test_text, windows=options.windows)
    codecs = {"transform": codec, **{path.name: Codec.from_pretrained(path) for path in sorted(PRETRAINED.iterdir())}}
    settings = [Setting(name, codec, codec.default_quality + change) for name, codec in codecs.items() for change in (-OCTAVE, 0, OCTAVE)]
    with progress_bar() as progress:
        rows = evaluate(model, measured, settings + baseline_settings(model, LAYER, rest), progress=progress)
    print_rows(rows)
    say(
        "   The learned codecs were trained on Wikipedia and web text, where they are ahead; the transform was fitted to text like this one."
    )
    (options.out / "rows.json").write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    plot_rows(rows, f"{MODEL}, Python's help").savefig(options.out / "rate-distortion.png")
    say(f"   {options.out / 'rate-distortion.png'} shows loss against rate")

    say("3. Generating through the compressed split, token by token")
    say(f"   uncompressed: {generate(model, tokenizer)}")
    with compress_at(model, codec) as meter:
        say(f"   compressed:   {generate(model, tokenizer)}")
    say(
        f"   {meter.tokens} tokens went through as {meter.bytes:,} bytes: {meter.bits_per_token:.0f} bits a token,"
        f" {meter.ratio:.1f} times smaller than float16"
    )
    say(f"Done in {perf_counter() - began:.0f} s; everything is in {options.out}")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=12_000, help="to calibrate on")
    parser.add_argument("--windows", type=int, default=6, help="of 512 tokens to measure on")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for the codec, the rows and the picture")
    return parser.parse_args()


def halves():
    """Two halves of the paragraphs of Python's help, none in both."""
    paragraphs = list(dict.fromkeys("\n\n".join(topics.values()).split("\n\n")))
    middle = len(paragraphs) // 2
    return "\n\n".join(paragraphs[:middle]), "\n\n".join(paragraphs[middle:])


def generate(model, tokenizer):
    chat = [{"role": "user", "content": PROMPT}]
    inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    output = model.generate(**inputs, max_new_tokens=40, do_sample=False)
    return tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()


if __name__ == "__main__":
    main()
