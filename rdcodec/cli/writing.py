"""What commands that generate text share: the prompt, and text that is shown as it comes."""

from contextlib import contextmanager
from typing import Annotated, Optional

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from rdcodec.cli.output import console, say
from rdcodec.errors import RdcodecError

__all__ = ["Chat", "MaxNewTokens", "Prompt", "Seed", "Temperature", "prompt_tokens", "shown_text"]

Prompt = Annotated[Optional[str], typer.Option("--prompt", help="What the text begins with.", show_default="stdin")]
Chat = Annotated[bool, typer.Option("--chat", help="The prompt is a message to a chat model.")]
MaxNewTokens = Annotated[int, typer.Option("--max-new-tokens", help="Tokens at most.", min=1)]
Temperature = Annotated[float, typer.Option("--temperature", help="0 takes the most probable token.")]
Seed = Annotated[int, typer.Option("--seed", help="Of the draws.")]


def prompt_tokens(tokenizer, prompt, chat):
    """int64 [1, tokens]"""
    if not chat:
        return tokenizer(prompt, return_tensors="pt")["input_ids"]
    if not tokenizer.chat_template:
        raise RdcodecError("--chat: the model's tokenizer has no template for chats")
    messages = [{"role": "user", "content": prompt}]
    return tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)["input_ids"]


@contextmanager
def shown_text(meter):
    """Yields a function that shows the next piece of a text. The meter is below it on a terminal, and on stderr behind it elsewhere."""
    out, shown = console(), []
    if not out.is_terminal:
        yield lambda piece: print(piece, end="", flush=True)
        print()
        say(str(meter), stderr=True)
        return
    with Live(console=out, vertical_overflow="visible") as live:

        def show(piece):
            shown.append(piece)
            live.update(Group(Text("".join(shown)), Text(str(meter), style="dim")))

        yield show
