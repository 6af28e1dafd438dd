"""A program that uses every public name as its documentation says. It is checked, not run; a test sees that none is left out."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

import rdcodec
from rdcodec import (
    adapters,
    calibration,
    codecs,
    entropy,
    errors,
    estimators,
    evaluation,
    models,
    net,
    planning,
    serving,
    splits,
    store,
    stream,
    theory,
    training,
)
from rdcodec.types import Array, Progress

names: list[type[Exception]] = [
    *(errors.RdcodecError, errors.CorruptStreamError, errors.CodecMismatchError, errors.UnsupportedVersionError, errors.LimitError),
    *(rdcodec.RdcodecError, rdcodec.CorruptStreamError, rdcodec.CodecMismatchError, rdcodec.UnsupportedVersionError, rdcodec.LimitError),
    *(errors.ModelMismatchWarning, rdcodec.ModelMismatchWarning),
]
text: str = rdcodec.__version__ + models.PACKAGED_MODEL


def report(stage: str, fraction: float, figures: str = "") -> None:
    print(stage, fraction, figures)


progress: Progress = report


def entropy_coder(symbols: Array, index: Array) -> Array:
    tables = entropy.FrequencyTables.from_pmf([[0.5, 0.5]], 0)
    tables = entropy.FrequencyTables.joined(
        [tables, entropy.FrequencyTables.gaussian([0.5, 2.0]), entropy.FrequencyTables.builtin_gaussian()]
    )
    arrays: dict[str, Array] = tables.to_arrays()
    tables = entropy.FrequencyTables.from_arrays(arrays)
    block: bytes = tables.encode(symbols, index, lanes=4, threads=1)
    bits: float = tables.ideal_bits(symbols, index)
    decoder: entropy.BlockDecoder = tables.decoder(block, symbols.size)
    decoder.finish()
    print(bits, sorted(entropy.WIDE_ARRAYS), tables.precision)
    return tables.decode(block, index) + decoder.decode(index)


def networks(x: Array, tensors: dict[str, Array]) -> Array:
    layer = net.Layer(np.ones((1, 1, 1), np.int8), np.zeros(1, np.int32), np.zeros(1, np.uint8), np.array([-9, 9], np.int16))
    made = net.IntegerNet([layer], input_limit=100)
    made = net.IntegerNet.from_tensors("net", {**tensors, **made.to_tensors("net")})
    return made.run(made.new_state(), x) + made.apply(x) + made.best_row(x)


def streams(data: bytes) -> int:
    header: stream.Header
    header, offset = stream.read_header(data)
    written = stream.write_header(header) + stream.write_frame(1, b"payload", quality=3, before=stream.CHAIN_START)
    frame: stream.Frame = stream.read_frame(stream.bytes_of(written), offset)
    following: stream.Frame = stream.Chain().after(frame).read(data, frame.end)
    most = stream.MAX_FRAME_TOKENS * len(stream.DTYPES)
    of_row: list[int] = [each.tokens for each in stream.row_frames(data, header.tokens, offset)]
    return most + following.tokens + sum(of_row) + sum(row + each.tokens for row, each in stream.read_frames(data, header, offset))


def stored(codec: rdcodec.Codec, states: Array) -> Array:
    with rdcodec.Store.create("store", codec, group_tokens=512) as writer:
        writer.add(states)
    opened: rdcodec.Store = store.Store.open("store", dtype="float32")
    ids: Array = opened.token_ids(0, len(opened))
    print(opened.shape, opened.bytes, opened.group_tokens.sum(), ids)
    values: Array = opened.read(0, 3)
    return values


def stores(model: PreTrainedModel, codec: rdcodec.Codec, ids: torch.Tensor) -> torch.Tensor:
    writer: store.Writer
    with store.capture("captured", model, [10], codec, documents=["a"], group_tokens=256) as writer:
        model(input_ids=ids)
        writer.add({"layer10": np.zeros((2, codec.channels), np.float32)}, token_ids=[1, 2], document="b", metadata={"at": 1})
        writer.flush()
    store.join("both", ["captured", Path("store")], progress)
    opened = store.Store.open("both")
    documents: store.Documents = opened.documents
    document: store.Document = documents["a"]
    states: store.States = opened[f"layer{codec.layer}"]
    rows: Array = states.take([3, 9, 7], out=np.empty((3, codec.channels), np.float16))
    print(rows, states.read(document.start, document.stop), documents[1:], states.shape, store.as_dataset(opened, 512))
    data: store.Shuffled = store.Shuffled(opened, batch=4096, dtype=torch.bfloat16)
    data.set_epoch(1)
    data.load_state_dict(data.state_dict(batches=3))
    return next(iter(data))


def families(h: Array, tensors: dict[str, Array], config: dict[str, Any], folder: Path) -> list[bytes]:
    made: list[codecs.Codec] = [codecs.RawCodec(4, "bfloat16", "zlib"), codecs.IntegerCodec(4, bits=4, group=2), codecs.MXFP4Codec(4)]
    made += [codecs.GlobalStepCodec.fit(h, 0.5), codecs.TransformCodec(config, tensors), codecs.BlockTransformCodec(config, tensors)]
    learned: type[codecs.LearnedCodec]
    for learned in (codecs.ContextCodec, codecs.DirectAccessCodec, codecs.FactorisedHyperpriorCodec, codecs.FourierHyperpriorCodec):
        made.append(learned(config, tensors))
    codec: rdcodec.Codec = rdcodec.Codec.from_pretrained(folder)
    transform: rdcodec.TransformCodec = rdcodec.TransformCodec.from_pretrained(str(folder))
    codec.save_pretrained(folder)
    codec.origin = codecs.Origin("llama", "0" * 16)
    codec.default_quality = 3
    data: bytes = codec.encode(h, quality=codec.max_quality)
    back: np.ndarray[Any, Any] | torch.Tensor = codec.decode(data, max_tokens=100)
    for row, values in codec.decode_frames(data):
        print(row, values.shape, back.shape)
    encoder: codecs.Encoder = codec.encoder(codec.default_quality)
    decoder: codecs.Decoder = transform.decoder()
    encoder.restart()
    print(decoder.decode(encoder.encode(torch.zeros(1, 4))), codec.codec_id.hex(), codec.layer, codec == transform, codecs.State().copy())
    frames: list[bytes] = codecs.encode_rows([encoder], h[None])
    print(codecs.decode_rows([decoder], frames).shape)
    arrived: tuple[np.ndarray[Any, Any] | torch.Tensor, int, float, float] = codecs.transmit_rows([encoder], [decoder], h[None])
    print(arrived)
    return frames


def calibrated(tokens: int) -> rdcodec.Codec:
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    model, tokenizer = rdcodec.load_model("smollm2-135m")
    model, tokenizer = models.load_model(Path("folder"), torch.bfloat16)
    model = models.load_weights("folder", "bfloat16")
    codec: rdcodec.TransformCodec = rdcodec.calibrate(model, tokenizer, "one text", layer=3, tokens=tokens, progress=progress)
    codec = calibration.calibrate(model, tokenizer, ["one", "two"], 3, target_kl=0.02)
    codec = rdcodec.calibrate_inputs(model, torch.zeros(8, 3, 9, 9), layer=1) or calibration.calibrate_inputs(model, torch.zeros(8), 1)
    adapted: rdcodec.Codec = rdcodec.adapt(codec, model, tokenizer, ["text"], tokens=calibration.default_tokens(codec.channels))
    return calibration.adapt(adapted, model, tokenizer, ["text"])


def cuts(model: PreTrainedModel, codec: rdcodec.Codec, ids: torch.Tensor) -> float:
    site: splits.Site = splits.find_site(splits.unwrapped(model), 2)
    split: splits.Split = site.split
    layouts: list[splits.Tokens | splits.Streams | splits.FeatureMaps] = [
        splits.Tokens(),
        splits.Streams(),
        splits.FeatureMaps(),
        split.layout,
    ]
    splits.register_split("mine", "layers", layout=layouts[0])
    print(splits.known_architectures(), splits.longest_input(model), site.block, site.skipped, site.layout, site.is_last, site.place)
    h: torch.Tensor = splits.run_head(model, 3, splits.head_states(model, 2, ids))
    logits: torch.Tensor = splits.run_tail(model, 3, h, attention_mask=torch.ones_like(ids))
    meter: splits.Meter
    with rdcodec.compress_at(model, codec) as meter, splits.compress_at(model, codec, 3, layer=2, gradients="straight-through"):
        model(ids)
    return meter.bits_per_token + meter.bits_per_element + meter.ratio + float(logits.sum())


def kept(codec: rdcodec.Codec, h: torch.Tensor) -> torch.Tensor:
    blocks: adapters.BlockCodec = adapters.BlockCodec(codec, quality=3)
    counts: adapters.BlockStatistics
    with adapters.saved_states(codec, quality=3) as counts, adapters.hivemind_compression(codec, name="NONE") as compression:
        print(counts.ratio, counts.raw_blocks, compression.blocks.statistics)
    block: bytes = blocks.encode(h)
    print(len(block) <= blocks.max_size(h), blocks.statistics.encode_seconds)
    return blocks.decode(memoryview(block), max_bytes=2**20)


def serve(model: PreTrainedModel, codec: rdcodec.Codec, folder: Path) -> None:
    part: serving.Part = serving.part_of(model, codec.layer or 0)
    tail: serving.Tail = serving.Tail(serving.load_tail(folder, 3, torch.bfloat16) or part, codec)
    security: serving.ServerSecurity = serving.ServerSecurity(folder / "certificate.pem", folder / "key.pem", token="token")
    limits: serving.ServerLimits = serving.ServerLimits(sessions=3, batch=2)
    logging.getLogger("rdcodec.serving").addHandler(handler := logging.StreamHandler())
    handler.setFormatter(serving.JsonLines())
    server: serving.TailServer
    with serving.running_server(tail, security=security, limits=limits) as server:
        print(server.port, server.metrics_port, serving.parse_address("localhost:50051"))
    serving.serve(serving.Tail.from_pretrained("smollm2-135m", 3, codec), "localhost:0", ready=lambda made: print(made.port))


def ends(tail: serving.Tail, prompt: torch.Tensor) -> serving.Step:
    head: serving.Head = serving.Head(serving.load_head("smollm2-135m", 3, "float32"), tail.codec, quality=3)
    here: serving.HeadSession = serving.Head.from_pretrained("folder", 3, tail.codec).session(rows=2)
    sampling: serving.Sampling = serving.Sampling(temperature=0.7, top_p=0.9, seed=1)
    there: serving.TailSession = tail.session(2, sampling, prompts=[[1, 2], [3]])
    frames: list[list[bytes]] = here.frames(here.states(prompt, torch.ones_like(prompt)))
    security: serving.ClientSecurity = serving.ClientSecurity(token="token", insecure=True)
    connector: serving.Connector = serving.Connector("localhost:50051", head, security, patience_seconds=0)
    with serving.RemoteSession(connector, max_tokens=100, rows=2, sampling=sampling) as remote:
        print(list(remote.step(frames).tokens), remote.bytes_up)
    states, mask = tail.session().decode(frames, max_tokens=100)
    chosen: torch.Tensor = serving.Sampler(sampling, rows=1).choose(there.forward(states, mask))
    print(chosen, there.is_steady)
    return there.step(frames)


def written(head: serving.Head, connector: serving.Connector, tokenizer: PreTrainedTokenizerBase, prompt: torch.Tensor) -> str:
    meter: serving.LinkMeter = serving.LinkMeter()
    pieces: serving.TextPieces = serving.TextPieces(tokenizer)
    try:
        for (token,) in serving.generate(head, connector, prompt, max_new_tokens=10, ends={2}, meter=meter):
            print(pieces.add(token or 0), end="")
    except serving.Refused as refused:
        print(refused.status, refused.reason)
    serving.OpenAIServer(0, head, connector, "model").serve_forever()
    print(meter, meter.shares["link"], meter.figures())
    return pieces.rest()


def stages(model: PreTrainedModel, codec: rdcodec.Codec, ids: torch.Tensor) -> float:
    with serving.compress_pipeline(model, [codec for _ in serving.pipeline_layers(model)], best_logits=1) as meter:
        model(ids)
    return meter.sent.bits_per_token + meter.logit_bytes


def planned(model: PreTrainedModel, codec: rdcodec.Codec, ids: torch.Tensor) -> planning.Option:
    points: list[planning.RatePoint] = planning.read_rows(Path("rows.json"))
    costs: list[planning.PartCosts]
    costs, states = planning.measure_parts(model, [3, 10], ids, progress)
    coding: planning.CodecCosts = planning.measure_codec(codec, states[3], 3, "transform", quality=3)
    link: planning.Link = planning.Link(planning.parse_bandwidth("20Mbit"), planning.parse_seconds("30ms"))
    options: list[planning.Option] = planning.plan(points, costs, [coding], prompt_tokens=512, tail_speed=10.0)
    planning.check_loss(points, 0.02)
    first, following = planning.best_options(options, link, 0.02)
    planning.plot_plan(first, following, link).savefig("plan.png")
    print(first[0].first_token(link), first[0].raw.next_token(link), first[0].prompt_pays_below(link.round_trip))
    return following[0]


def measured(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, codec: rdcodec.Codec) -> float:
    windows: evaluation.TextWindows = evaluation.cut_text(tokenizer, "text", window=128, windows=2, seed=1)
    rest: torch.Tensor = evaluation.whole_windows(tokenizer, "text")
    settings: list[evaluation.Setting] = [
        evaluation.Setting("mine", codec),
        evaluation.Setting("other", codec, 3, layer=2, variant="x", model=model),
    ]
    settings += evaluation.baseline_settings(model, 2, rest) + evaluation.published_settings(model, 2, windows.rest, print)
    rows: evaluation.Rows = evaluation.evaluate(model, windows.measured, settings, progress=progress)
    passages: evaluation.Passages = evaluation.cut_passages(tokenizer, "text", 5, (60, 100), seed=1)
    rows = evaluation.evaluate(model, passages, settings)
    row: evaluation.Row = rows[0]
    evaluation.plot_rows(rows, "title").savefig("picture.png")
    where: evaluation.TokenRates = evaluation.token_rates(model, tokenizer, windows.measured[0], settings[0])
    compared: list[evaluation.Comparison] = evaluation.compare(rows, "mine")
    rate: float | None = evaluation.rate_at([1.0, 2.0], [0.2, 0.1], 0.15)
    losses: evaluation.OutputLosses = evaluation.output_losses(torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(1, dtype=torch.int64))
    print(rows.to_dicts(), rows.to_frame(), evaluation.report_html(rows, "title", where), compared, rate, losses.kl)
    runs: list[evaluation.Run] = evaluation.read_runs(["rows"])
    page, pictures = evaluation.results_page(runs)
    pictures["loss.png"].savefig(page)
    return row.kl + evaluation.bd_rate([1.0], [0.1], [2.0], [0.2])


def estimated(y: Array) -> estimators.Estimate:
    found: list[estimators.Estimate] = [
        estimators.certify(y, 10.0, delta=0.01, population=100),
        estimators.cross_entropy_bound(y),
        estimators.differential_entropy(y, neighbours=3),
        estimators.entropy([1, 2, 3], alphabet=4),
        estimators.gaussian_entropy_bound(y, step=1.0),
        estimators.log_det_covariance(y, seed=np.random.default_rng(0)),
        estimators.occam_bound(1.0, 10.0, 100, 1000),
        estimators.covering_bound([3], [1.0], [2.0], 10.0, 1000),
        estimators.pac_bound(0.02, bound=10, samples=10_000),
        estimators.rademacher_complexity(y, "l2"),
        estimators.rate_at_divergence(y, 0.02, draws=1000, delta=0.01),
        estimators.rate_distortion([0.5, 0.5], [[0, 1], [1, 0]], 0.1),
        estimators.reverse_water_filling([[1.0]], 0.5),
        estimators.scalar_quantisation(0.5),
        estimators.spectral_norm(y),
    ]
    return estimators.shannon_lower_bound(found[0], 0.5)


def family(codec: rdcodec.codecs.ContextCodec) -> estimators.Estimate:
    found: theory.NetworkFamily = theory.network_family(codec, -4)
    print(found.parameters, found.radii, found.lipschitz, found.price)
    return theory.family_bound(codec, -4, 2320.0, 64, 0.01)


def studied(model: PreTrainedModel, ids: torch.Tensor, codec: rdcodec.TransformCodec) -> theory.StudyRow:
    likelihood: estimators.Estimate = theory.token_entropy_bound(model, ids)
    bounds: theory.LayerBounds = theory.layer_bounds(model, ids, "transform", codec, token_entropy=likelihood)
    row: theory.StudyRow = theory.study_row("model", "task", codec.channels, bounds)
    code: theory.Exemplars = theory.Exemplars([[0.5, 0.5], [1.0, 0.0]], slope=10, most=2)
    kept: Array = code.kept[code.decode(code.encode([[0.4, 0.6]]))]
    print(kept)
    theory.plot_study([row, row, row]).savefig("study.png")
    pearson, spearman = theory.correlation([1.0, 2.0, 3.0], [1.0, 4.0, 9.0])
    pair: tuple[estimators.Estimate, estimators.Estimate] = theory.within_between(["a", "b", "c"], [1.0, 2.0, 3.0], [1.0, 4.0, 9.0], seed=1)
    print(pair, theory.mixed_slope(["a", "b", "c"], [1.0, 2.0, 3.0], [1.0, 4.0, 9.0]))
    print(
        pearson.value,
        spearman.value,
        theory.head_norm(model, 2, ids),
        theory.entropy_norm(codec, kept),
        theory.entropy_norms(codec, kept[None], repeats=2),
        theory.head_norms(model, 2, ids, tokens=16, repeats=2),
    )
    return row


def trained(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, codec: rdcodec.Codec, module: torch.nn.Module
) -> list[training.Point]:
    cache: training.StateCache = training.StateCache.open("cache", model, tokenizer, ["text"], 2)
    batch: training.Batch = cache.read(cache.held_out).to("cpu")
    loss = training.TailDistortion(model, 2, "kl")
    settings: training.Settings = training.Settings.for_lambdas([1e-4], training.Tradeoff(1.0, 0.25), minutes=3.0)
    points: list[training.Point] = training.train(module, cache, loss, settings, Path("out"))
    made: training.Trained = training.train_codec(next(iter(training.FAMILIES)), model, 2, cache, loss, [1e-4], 3.0, "out")
    point: training.TrainedPoint = made.points[0]
    tuned: training.Tuned = training.tune(model, tokenizer, "text", codec, training.TuneSettings(steps=3), "tuned")
    training.save_tuned(tuned, "tuned")
    merged: training.Tuned = training.save_merged(training.load_tuned("tuned", model), tokenizer, "merged")
    print(batch.states.shape, point.bits_per_token, merged.codec, training.Reconstruction)
    return points
