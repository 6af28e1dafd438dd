"""Requests in the shape of OpenAI's API, and what answers them: plain data in, plain data out."""

import time
import uuid
from dataclasses import dataclass

import torch

from rdcodec.errors import RdcodecError
from rdcodec.messages import shown
from rdcodec.pieces import TextPieces
from rdcodec.serving.generation import end_tokens, generate
from rdcodec.serving.sampling import Sampling
from rdcodec.serving.text import TextUntil

__all__ = ["Completion", "Unanswerable", "read_request"]

COMPLETION_TOKENS, CHAT_TOKENS = 16, 512  # where a request names no number
SAMPLINGS = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0}


class Unanswerable(RdcodecError):
    """A request that is wrong.

    Attributes
    ----------
    param : str
        What of it.
    """

    def __init__(self, param, message):
        super().__init__(f"{param}: {message}")
        self.param = param


@dataclass(frozen=True)
class Completion:
    """A text that was asked for.

    Attributes
    ----------
    chat : bool
        Whether the prompt was a conversation.
    prompt : list of int
    max_tokens : int
    sampling : Sampling
    stops : tuple of str
        Texts before which it ends.
    stream, usage : bool
        Whether pieces are sent as they come, and a count of tokens behind them.
    """

    chat: bool
    prompt: list
    max_tokens: int
    sampling: Sampling
    stops: tuple
    stream: bool
    usage: bool

    def answers(self, head, connector, model):
        """Yields what a stream of events says, dicts of JSON; the last one, without choices, counts the tokens.

        Raises
        ------
        Refused
            As `rdcodec.serving.generate`.
        """
        frame = {"id": f"{'chatcmpl' if self.chat else 'cmpl'}-{uuid.uuid4().hex}", "created": int(time.time()), "model": model}
        frame["object"] = "chat.completion.chunk" if self.chat else "text_completion"
        if self.chat:
            yield {**frame, "choices": [_choice(delta={"role": "assistant", "content": ""})]}
        ends, text, count, reason = end_tokens(head.part), TextUntil(TextPieces(head.part.tokenizer), self.stops), 0, "length"
        tokens = generate(head, connector, torch.tensor([self.prompt]), None, self.max_tokens, self.sampling, ends)
        for (token,) in tokens:
            count += 1
            piece = "" if token in ends else text.add(token)
            if token in ends or text.ended:
                reason = "stop"
            if piece:
                yield {**frame, "choices": [self._piece(piece)]}
            if text.ended:
                tokens.close()
                break
        if rest := text.rest():
            yield {**frame, "choices": [self._piece(rest)]}
        yield {**frame, "choices": [_choice(reason, delta={}) if self.chat else _choice(reason, text="")]}
        used = {"prompt_tokens": len(self.prompt), "completion_tokens": count, "total_tokens": len(self.prompt) + count}
        yield {**frame, "choices": [], "usage": used}

    def whole(self, answers):
        """The one answer, dict of JSON, that events make together."""
        text, reason = "", None
        for answer in answers:
            for choice in answer["choices"]:
                text += choice["delta"].get("content", "") if self.chat else choice["text"]
                reason = choice["finish_reason"]
        if self.chat:
            answer["object"] = "chat.completion"
        filled = {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text}
        return {**answer, "choices": [_choice(reason, **filled)]}

    def _piece(self, text):
        return _choice(delta={"content": text}) if self.chat else _choice(text=text)


def _choice(reason=None, **content):
    return {"index": 0, **content, "logprobs": None, "finish_reason": reason}


def read_request(body, chat, part):
    """The `Completion` that a request asks for.

    Parameters
    ----------
    body : dict
        Of JSON, as sent to ``/v1/chat/completions`` or ``/v1/completions``. What is not known is left alone, as OpenAI's does.
    chat : bool
    part : rdcodec.serving.Part

    Raises
    ------
    Unanswerable
    """
    for name, most in (("n", 1), ("best_of", 1)):
        if body.get(name) not in (None, most):
            raise Unanswerable(name, f"expected {most}, got {shown(body[name])}")
    for name in ("logprobs", "tools", "functions", "echo", "suffix"):
        if body.get(name):
            raise Unanswerable(name, "this server has no such thing")
    prompt = _chat_prompt(body, part.tokenizer) if chat else _prompt(body, part.tokenizer)
    longest = part.longest - len(prompt) + 1
    if not prompt or longest < 1:
        raise Unanswerable("messages" if chat else "prompt", f"expected 1 to {part.longest} tokens, got {len(prompt)}")
    wanted = body.get("max_completion_tokens", body.get("max_tokens"))
    wanted = (CHAT_TOKENS if chat else COMPLETION_TOKENS) if wanted is None else _number(body, "max_tokens", int, wanted)
    if wanted < 1:
        raise Unanswerable("max_tokens", f"expected 1 or more, got {wanted}")
    return Completion(chat, prompt, min(wanted, longest), _sampling(body), _stops(body), bool(body.get("stream")), _wants_usage(body))


def _prompt(body, tokenizer):
    prompt = body.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], (str, list)):
        prompt = prompt[0]
    if isinstance(prompt, list) and all(type(token) is int and 0 <= token < len(tokenizer) for token in prompt):
        return prompt
    if not isinstance(prompt, str):
        raise Unanswerable("prompt", f"expected a text or its tokens, got {shown(prompt)}")
    return tokenizer(prompt)["input_ids"]


def _chat_prompt(body, tokenizer):
    messages = body.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise Unanswerable("messages", f"expected a list of objects, got {shown(messages)}")
    if not tokenizer.chat_template:
        raise Unanswerable("messages", "the model's tokenizer has no template for chats; /v1/completions takes plain text")
    plain = [{"role": str(message.get("role")), "content": _plain(message.get("content"))} for message in messages]
    try:
        return tokenizer.apply_chat_template(plain, add_generation_prompt=True, return_dict=True)["input_ids"]
    except Exception as error:  # whatever the model's template makes of these roles
        raise Unanswerable("messages", f"the model's template refuses them: {shown(str(error))}") from error


def _plain(content):
    """A message's text, which may come in parts."""
    if isinstance(content, list):
        content = "".join(part["text"] for part in content if isinstance(part, dict) and isinstance(part.get("text"), str))
    if not isinstance(content, str):
        raise Unanswerable("messages", f"expected text as the content, got {shown(content)}")
    return content


def _sampling(body):
    given = {name: _number(body, name, type(usual), body.get(name, usual)) for name, usual in SAMPLINGS.items()}
    seed = body.get("seed")
    given["seed"] = uuid.uuid4().int >> 65 if seed is None else _number(body, "seed", int, seed)
    try:
        return Sampling(**given)
    except RdcodecError as error:
        raise Unanswerable(str(error).split(":")[0], str(error).split(": ", 1)[1]) from error


def _number(body, name, kind, value):
    if type(value) not in (int, kind):
        raise Unanswerable(name, f"expected a number, got {shown(value)}")
    return kind(value)


def _stops(body):
    stops = body.get("stop") or []
    stops = [stops] if isinstance(stops, str) else stops
    if not isinstance(stops, list) or not all(isinstance(stop, str) and stop for stop in stops):
        raise Unanswerable("stop", f"expected texts, got {shown(stops)}")
    return tuple(stops)


def _wants_usage(body):
    options = body.get("stream_options")
    return isinstance(options, dict) and bool(options.get("include_usage"))
